"""Load: shoppers who browse and order through the edge at a steady rate, and a record of every request they made.

Only what a customer could do and see lives here, and the books that tell afterwards whether anything was lost. What is
broken meanwhile is somebody else's business; no service is imported.
"""
