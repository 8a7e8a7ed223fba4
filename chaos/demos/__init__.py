"""Stories: one command breaks something in front of the reader, tells what happens, and proves that no promise broke.

Each leaves the instance as it was found. What is measured and how something is broken lives elsewhere; here it is told.
"""
