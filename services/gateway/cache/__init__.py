"""The gateway's shared cache (RFC 9111): answers of the services, kept in Redis for all gateways.

What may be kept is decided here by what a service says and the route allows. What an answer means is not known here,
and nothing that depends on who asked ever gets in.
"""
