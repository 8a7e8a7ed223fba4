"""What is searched for: the part of TraceQL that the store answers, read, checked and applied to spans.

`parser` and `tags` make a `spansets` tree out of text; `prefilter` says in SQL what such a tree needs. Nothing here
opens the file or knows HTTP.
"""
