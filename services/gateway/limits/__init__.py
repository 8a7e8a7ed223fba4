"""How often somebody may come: windows, counting in them, and what a count means.

Who is counted under which limit is the route table's business; asking Redis is `roundtrip.py`'s.
"""
