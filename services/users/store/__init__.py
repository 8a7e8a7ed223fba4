"""Queries of the users service, one module per table that matters to callers; every method is one transaction.

Whoever locks more than one log-in of a user locks the account first, and a log-in is locked before its refresh tokens:
in that order nothing can deadlock. What follows from an outcome (a status, a header) is the business of `api`.
"""
