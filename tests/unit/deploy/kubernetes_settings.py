"""Which variables the processes read, and whether they take a value: asked of the settings classes themselves."""

import os
from unittest import mock

from pydantic_settings import BaseSettings

from observability.traces.settings import TraceStoreSettings
from services.gateway.settings import GatewaySettings
from services.orders.settings import OrdersSettings
from services.products.settings import ProductsSettings
from services.users.settings import UsersSettings
from stormglass import settings
from worker.mailsink.settings import MailSettings
from worker.settings import WorkerSettings

CLASSES: tuple[type[BaseSettings], ...] = (
    settings.ProcessSettings,
    settings.TelemetrySettings,
    settings.HttpSettings,
    settings.DatabaseSettings,
    settings.RedisSettings,
    GatewaySettings,
    OrdersSettings,
    ProductsSettings,
    UsersSettings,
    WorkerSettings,
    MailSettings,
    TraceStoreSettings,
)


def variables(cls: type[BaseSettings]) -> set[str]:
    """The variables that a class reads."""
    prefix = str(cls.model_config.get("env_prefix", ""))
    return {prefix + field.upper() for field in cls.model_fields}


KNOWN = {"STORMGLASS_SECRETS_DIR"} | {variable for cls in CLASSES for variable in variables(cls)}


def misread(told: dict[str, str]) -> list[str]:
    """What the settings classes say about the values that a container is given."""
    found = []
    with mock.patch.dict(os.environ, told, clear=True):
        for cls in CLASSES:
            if variables(cls) & set(told):
                try:
                    settings.read(cls)
                except settings.SettingsError as error:
                    found.append(str(error))
        for variable, value in told.items():
            if variable.startswith("STORMGLASS_ADDRESS_"):
                try:
                    settings.Address.parse(value)
                except settings.SettingsError as error:
                    found.append(f"{variable}: {error}")
    return found
