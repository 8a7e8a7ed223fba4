"""A local SMTP sink that answers Mailpit's message API (v1), so that one client works against both.

It takes mail over SMTP, keeps the newest in SQLite and shows them over HTTP; it never relays, and it never
logs an address or a body. Nothing about orders, queues or tasks belongs here.
"""
