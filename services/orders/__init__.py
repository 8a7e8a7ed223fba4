"""Orders: placing them exactly once, showing them to their owner, confirming and cancelling them.

Stock and prices live in the products service and are asked for over HTTP. What has to happen after an order was placed
is written into the outbox; nothing here talks to the queue or sends mail.
"""
