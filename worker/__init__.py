"""Everything that happens after an order was acknowledged: the outbox relay, the queue's consumer, tasks, mail.

The worker has no business data of its own: it changes orders and stock over HTTP, and keeps only what makes its work
repeatable (the ledger of mails) and what it gave up on (dead letters). `mailsink` is a separate process.
"""
