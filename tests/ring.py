"""The signing keys of an instance, put back after tests that rotate them: other tests hold tokens that they signed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from stormglass.runtime import keys, keys_watch
from stormglass.runtime.files import write_private
from stormglass.security import keyring
from stormglass.testing import Platform


@contextmanager
def put_back(platform: Platform) -> Iterator[None]:
    """Put the key files back at the end of the block; returns when the gateways know them again."""
    directory = keys.directory(platform.instance)
    before = {path: path.read_text() for path in keyring.files(directory)}
    try:
        yield
    finally:
        for path, text in before.items():
            write_private(path, text)
        for path in keyring.files(directory):
            if path not in before:
                path.unlink()
        asyncio.run(keys_watch.complete(platform.instance, keys.ring(platform.instance).keys[-1], print))
