"""Alertmanager: alerts of one trouble in one group, and no symptoms beside the cause that explains them."""

from typing import Any

import yaml

from stormglass.runtime.instance import Instance


def config(instance: Instance) -> str:
    """`alertmanager.yml`. Nobody is notified: the page and `stormglass alerts` show what is on.

    What belongs together is one objective's alerts, or one layer's. Waits are short because a demonstration is; in
    production a group waits 30 s and is repeated after hours.
    """
    rendered: dict[str, Any] = {
        "route": {
            "receiver": "page",
            # an objective's alerts have no layer, and causes have no objective
            "group_by": ["slo", "layer"],
            "group_wait": "2s",
            "group_interval": "5s",
            "repeat_interval": "4h",
            # it is always on: in one group with others, its notifications would not be its own
            "routes": [{"matchers": ["severity = none"], "group_by": ["alertname"]}],
        },
        "receivers": [{"name": "page"}],
        "inhibit_rules": [
            # a database that is away explains what everything in front of it suffers, but neither why telemetry is
            # incomplete nor why somebody got a mail twice
            {
                "source_matchers": ["layer = database"],
                "target_matchers": ["severity =~ page|ticket", "layer !~ database|telemetry", "slo != mail-once"],
            },
            # who is woken need not be told again in the morning
            {
                # two alerts without an objective would be of the same one
                "source_matchers": ["severity = page", "slo =~ .+"],
                "target_matchers": ["severity = ticket"],
                "equal": ["slo"],
            },
        ],
    }
    return yaml.safe_dump(rendered, sort_keys=False)
