"""A TCP fault proxy that speaks Toxiproxy 2.12's HTTP API and behaves like it on the wire.

The HTTP side (`api`, `decode`, `wire`) knows nothing of sockets being proxied; the data plane (`proxy`, `connection`,
`link`, `stage`, `toxics`) knows nothing of HTTP. Nothing here imports the rest of the project, so the server starts
quickly and can be run by itself. Where it differs from Toxiproxy on purpose is written in `docs/faultproxy.md`.
"""
