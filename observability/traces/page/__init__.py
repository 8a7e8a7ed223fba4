"""A trace as one HTML file that needs nothing else: no script, no request, nothing to install.

`document` puts it together, `rows` draws spans, `details` writes out what is known about one, `style.css` says how it
looks. It is made of `model` values only; who fetches them is not its business.
"""
