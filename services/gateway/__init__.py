"""The only way in: a pipeline that reads top to bottom in `pipeline.py`, a module per stage; the table is `routes.py`.

normalise → match a route → authenticate → admit (the one round trip to Redis) → cache → transform → compose or forward
→ account. What an answer means is the services' business: no table and no business rule may live here.
"""
