"""The only way in: a pipeline that reads top to bottom in `pipeline.py`, one module per stage, settings in `routes.py`.

normalise → match the route → authenticate → limit → transform → forward → account. What an answer means is the
services' business: no table, no business rule and no knowledge of a payload may live here.
"""
