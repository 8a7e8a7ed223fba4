"""Driving a Toxiproxy server, the real one or our own: an adapter over toxiproxy-python; finding and running servers.

Nothing here knows the platform's topology, and nothing outside this folder imports the library `toxiproxy` itself.
"""
