"""Testing against a running platform: a pytest plugin with real servers behind it, and no mock anywhere.

Usable from another project that has `stormglass` installed; nothing in the platform imports this package.
"""

from stormglass.testing.eventually import eventually
from stormglass.testing.handle import Platform

__all__ = ["Platform", "eventually"]
