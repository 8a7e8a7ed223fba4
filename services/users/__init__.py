"""Accounts, log-in and the keys behind access tokens.

Passwords are hashed and tokens signed with `stormglass.security`; who may do what elsewhere is decided by the scopes
in the token, never by asking this service. Nothing here may log an address or a password.
"""
