"""Answers that are put together from several services' answers, as the route table declares it.

No service's payload is known here beyond the names that a route's composition gives.
"""
