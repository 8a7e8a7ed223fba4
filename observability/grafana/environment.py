"""The environment with which a Grafana on this machine reads our provisioning and finds an instance's servers."""

from pathlib import Path

from observability import grafana
from observability.dashboards.building import GENERATED
from stormglass.runtime.instance import Instance

PROVISIONING = Path(grafana.__file__).parent / "provisioning"

FIRST_PAGE = "overview"

NO_LOKI = "http://127.0.0.1:3100"
"""Where Loki usually listens: natively there is none, and log lines are found with `stormglass logs --trace`."""


def environment(instance: Instance) -> dict[str, str]:
    """Names and values; what Grafana itself reads begins with `GF_`."""
    return {
        "STORMGLASS_PROMETHEUS_URL": f"http://{instance.address('prometheus')}",
        "STORMGLASS_TRACES_URL": f"http://{instance.address('traces')}",
        "STORMGLASS_ALERTMANAGER_URL": f"http://{instance.address('alertmanager')}",
        "STORMGLASS_LOKI_URL": NO_LOKI,
        "STORMGLASS_DASHBOARDS": str(GENERATED),
        "GF_PATHS_PROVISIONING": str(PROVISIONING),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(GENERATED / f"{FIRST_PAGE}.json"),
    }
