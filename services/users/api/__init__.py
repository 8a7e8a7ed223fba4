"""Routes of the users service, one module per subject; thin: what is asked, who may, and which answer it becomes.

Queries are in `store`, wire types in `schemas` and `credential_schemas`. No cookie arrives here: the gateway turns
whatever a client shows into the signed identity, whose `credential` names the log-in or the key it came from.
"""

from services.users.api import accounts, api_keys, credentials, jwks, password, sessions, tokens

ROUTES = [
    *accounts.ROUTES,
    *api_keys.ROUTES,
    *credentials.ROUTES,
    *jwks.ROUTES,
    *password.ROUTES,
    *sessions.ROUTES,
    *tokens.ROUTES,
]
