"""Settings of the mail sink, read from the environment once, when the application is created."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class MailSettings(BaseSettings):
    """Where mail is accepted and how much of it is kept (environment prefix `STORMGLASS_MAIL_`)."""

    model_config = SettingsConfigDict(env_prefix="STORMGLASS_MAIL_", frozen=True)

    database: Path = Field(description="SQLite file; created with its folder when it is missing")
    smtp_host: str = Field(default="127.0.0.1", description="Address the SMTP server binds to")
    smtp_port: int = Field(default=1025, ge=0, le=65535, description="SMTP port; 0 lets the system choose")
    max_messages: int = Field(default=5_000, ge=1, description="Newest mails kept; older ones are deleted")
    max_message_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="Largest mail accepted, in bytes; announced as SIZE"
    )
