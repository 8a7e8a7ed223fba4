"""Access tokens for accounts: which scopes they carry, for how long, and the keys that prove them."""

from services.users.models import Account
from services.users.schemas import KeySet, Token
from stormglass.security.tokens import SigningKey

USER_SCOPES = ("orders:read", "orders:write", "profile:read", "profile:write")
ADMIN_SCOPES = (*USER_SCOPES, "admin", "products:write")


class Issuer:
    """Issues tokens under one key; `lifetime` is in seconds."""

    def __init__(self, key: SigningKey, lifetime: int) -> None:
        self._key = key
        self._lifetime = lifetime

    def token_for(self, account: Account) -> Token:
        """A token for somebody who has just proved to own `account`."""
        scopes = sorted(ADMIN_SCOPES if account.is_admin else USER_SCOPES)
        issued = self._key.issue(str(account.id), scopes, lifetime=self._lifetime)
        return Token(access_token=issued, token_type="Bearer", expires_in=self._lifetime, scope=" ".join(scopes))  # noqa: S106 - the type's name (RFC 6750)

    @property
    def key_set(self) -> KeySet:
        """The keys that verifiers need."""
        return KeySet(keys=[self._key.jwk])
