"""One folder per HTTP process: gateway, users, products, orders, each with the same anatomy.

`app.py` (creation), `api.py` (routes), `models.py` (tables), `schemas.py` (wire types), `store.py` (queries). Services
speak HTTP to each other and never import one another; what two of them need lives in `stormglass`.
"""
