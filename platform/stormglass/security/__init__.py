"""Who is calling: passwords, access tokens with their keys, and the signed identity that services pass to each other.

Algorithms are fixed here, never taken from a message. Where accounts are stored and which route needs which scope is
not this package's business.
"""
