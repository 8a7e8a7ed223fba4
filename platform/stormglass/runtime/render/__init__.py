"""Configuration of every real server, rendered from the topology and an instance.

Each module turns an instance into text and nothing more; `write_all` puts the texts on disk. No process is started or
asked here.
"""
