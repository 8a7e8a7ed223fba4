"""Schemathesis on the published document: every check, every phase, as one caller; and what came of it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLES = 20
"""Cases of each operation and phase, at most."""

SEED = 1

RULES_BEYOND_THE_SCHEMA = {
    ("GET", "/products"): "`after` is the `next` of the page before, which no pattern tells from other text",
    ("GET", "/v2/products"): "the same",
    ("GET", "/orders"): "the same",
    ("PUT", "/products"): "each sku may be named once: JSON Schema has no uniqueness by a member",
    ("POST", "/orders"): "each product may be listed once; a key that was used for another body is a 422",
    ("POST", "/place-order"): "the same",
}
"""Operations that may answer 400 or 422 to what fits their schema, and why."""

ACCEPTED = ["2xx", "3xx", "401", "403", "404", "409", "415", "429"]
"""What is not a refusal of data that fits the schema."""


@dataclass(frozen=True)
class Outcome:
    """What a run reports of itself."""

    exit_code: int
    cases: int
    operations: int
    phases: tuple[str, ...]
    failures: tuple[str, ...]
    rate_limited: tuple[str, ...]
    printed: str


def run(document: str, base_url: str, headers: dict[str, str], known: dict[str, list[str]], directory: Path) -> Outcome:
    """Try everything in `document`; `known` are values of parameters and members that exist, by their place."""
    config, report = directory / "schemathesis.toml", directory / "report.json"
    config.write_text(_config(headers, known), encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", document),
            *("--url", base_url, "--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-deterministic"),
            *("--continue-on-failure", "--no-color", "--generation-with-security-parameters", "false"),
            *("--report", "json", "--report-json-path", str(report)),
        ],
        cwd=directory,
        capture_output=True,
        text=True,
        # fifty seconds on a machine with nothing else to do
        timeout=400,
        check=False,
    )
    assert report.is_file(), done.stdout + done.stderr
    told = json.loads(report.read_text(encoding="utf-8"))
    return Outcome(
        exit_code=done.returncode,
        cases=told["test_cases"]["generated"],
        operations=told["operations"]["tested"],
        phases=tuple(name for name, phase in told["phases"].items() if phase["status"] == "success"),
        failures=tuple(_line(failure) for failure in [*told["failures"], *told["errors"]]),
        rate_limited=tuple(told["warnings"]["rate_limited"]),
        printed=done.stdout,
    )


def _line(failure: dict[str, Any]) -> str:
    return json.dumps(failure)[:500]


def _config(headers: dict[str, str], known: dict[str, list[str]]) -> str:
    """The configuration, in TOML: JSON's texts, numbers and lists are TOML's too."""
    hooks = json.dumps(str(Path(__file__).with_name("contract_hooks.py")))
    lines = [
        f"hooks = {hooks}",
        "",
        "[headers]",
        *(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in headers.items()),
    ]
    lines += ["", "[dictionaries]"]
    lines += [f"{_name(place)} = {{ values = {json.dumps(values)} }}" for place, values in known.items()]
    lines += ["", "[parameters]"]
    lines += [f'{json.dumps(place)} = {{ dictionary = "{_name(place)}", probability = 0.5 }}' for place in known]
    for method, path in RULES_BEYOND_THE_SCHEMA:
        lines += ["", "[[operations]]", f'include-name = "{method} {path}"']
        expected = json.dumps([*ACCEPTED, "400", "422"])
        lines += [f"checks.positive_data_acceptance.expected-statuses = {expected}"]
    return "\n".join(lines) + "\n"


def _name(place: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in place)
