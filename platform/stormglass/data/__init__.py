"""State and the ways to it: the database session, the read-through cache, the transactional outbox, the queue port.

Tables and statements of a service are the service's own; what stands here works for any of them.
"""
