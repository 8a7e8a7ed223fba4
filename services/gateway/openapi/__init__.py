"""The one OpenAPI document that clients get: the services' own documents, seen through the route table.

What a service documents and the table does not list is left out; what the gateway adds is added here.
"""
