"""Who is calling: what a request shows, and how each kind of it is verified, remembered, guarded and found revoked.

Which route needs what is the route table's business; what an identity may do with a service's data is the service's.
"""
