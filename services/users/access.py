"""Access tokens for accounts: which scopes they carry, for how long, and the keys that prove them."""

from services.users.credential_schemas import Token
from services.users.models import Account, Login
from services.users.schemas import KeySet
from services.users.signing import SigningKeys

USER_SCOPES = ("orders:read", "orders:write", "profile:read", "profile:write", "account")
ADMIN_SCOPES = (*USER_SCOPES, "admin", "products:write")


def scopes_of(account: Account) -> frozenset[str]:
    """What the owner of an account may do."""
    return frozenset(ADMIN_SCOPES if account.is_admin else USER_SCOPES)


class Issuer:
    """Issues tokens under the key whose turn it is; `lifetime` is in seconds."""

    def __init__(self, keys: SigningKeys, lifetime: int) -> None:
        self._keys = keys
        self._lifetime = lifetime

    def token_for(self, account: Account, login: Login, refresh_token: str) -> Token:
        """An access token of a log-in to `account`, beside the refresh token that gets the next one."""
        scopes = sorted(scopes_of(account))
        # no longer than its log-in, which nothing can refresh at its end
        lifetime = max(1, min(self._lifetime, login.lifetime_seconds))
        issued = self._keys.current.issue(str(account.id), scopes, lifetime=lifetime, login_id=login.id)
        return Token(
            access_token=issued,
            token_type="Bearer",  # noqa: S106 - the type's name (RFC 6750)
            expires_in=lifetime,
            scope=" ".join(scopes),
            refresh_token=refresh_token,
            refresh_expires_in=login.lifetime_seconds,
        )

    @property
    def key_set(self) -> KeySet:
        """The keys that verifiers need."""
        return KeySet(keys=[key.jwk for key in self._keys.published])
