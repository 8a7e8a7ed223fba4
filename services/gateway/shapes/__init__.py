"""Response shapes: the form in which a route gives a service's answer out, as one JMESPath expression and one type.

Only form is changed here: what is in an answer, and what it means, stays the service's business.
"""
