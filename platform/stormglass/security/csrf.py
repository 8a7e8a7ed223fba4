"""Tokens against cross-site request forgery: bound to one browser session, computed, never stored.

A page of another origin can make a browser send the session's cookie, but can neither read this token nor compute it:
it is an HMAC under the session's secret (OWASP's "HMAC based" pattern; the secret itself changes with each log-in).
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

HEADER = "X-CSRF-Token"
"""Requests that change something under a browser session carry the token in it, and get it back in it."""


def token(secret: str) -> str:
    """The token of the session with this secret: 256 bits, base64url without padding (43 characters)."""
    digest = hmac.digest(secret.encode(), b"csrf", hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def fits(sent: str, secret: str) -> bool:
    """Whether `sent` is the token of the session with this secret; the time does not tell how much of it fits."""
    return hmac.compare_digest(sent.encode(errors="replace"), token(secret).encode())
