"""The trace store: OTLP/HTTP in, Tempo's query API out, one SQLite file between; and the commands that read from it.

Server side: `app`, `ingest_api`, `tempo_api`, `store` and what they stand on. Client side: `client`, `model`,
`waterfall`, `commands`, which speak HTTP to any server with Tempo's API and may not touch the file.
"""
