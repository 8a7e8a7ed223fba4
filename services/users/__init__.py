"""Accounts, and what proves to be their owner: log-ins of browsers and programs, API keys, and the tokens' keys.

Secrets are hashed and tokens signed with `stormglass.security`; who may do what elsewhere is decided by the scopes that
a credential carries. Only what a gateway cannot verify by itself is asked here. Nothing here may log an address or a
secret, and no cookie arrives here.
"""
