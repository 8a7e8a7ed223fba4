"""What the trace store knows of a request: which services it reached."""

import json
import urllib.error
import urllib.request

from stormglass.testing import Platform


def services_in(platform: Platform, trace: str) -> set[str]:
    """The services that have a span in a trace; none while the store has not heard of it."""
    url = f"http://{platform.address('traces')}/api/traces/{trace}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            batches = json.load(answer)["batches"]
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return set()
    attributes = [each for batch in batches for each in batch["resource"]["attributes"]]
    return {each["value"]["stringValue"] for each in attributes if each["key"] == "service.name"}
