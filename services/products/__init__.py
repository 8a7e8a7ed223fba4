"""The catalogue, its stock, and reservations of it.

A unit of stock is available, reserved or sold, and these three always add up to what was ever put in; the database
itself refuses anything else. Orders, payment and mail are not this service's business: it knows an order by its id.
"""
