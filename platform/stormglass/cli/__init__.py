"""The `stormglass` command: it collects sub-commands that the packages bring, and imports none of them by name.

What a command does lives with its package; here is only what all of them share.
"""
