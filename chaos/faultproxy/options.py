"""The command line: Toxiproxy's flags, in Go's syntax (`-x v`, `-x=v`, one dash or two), and a few of our own."""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from chaos.faultproxy.metrics import VERSION


@dataclass(frozen=True, slots=True)
class Options:
    """What the server was told. `dial_seconds` limits one attempt to reach an upstream."""

    host: str
    port: str
    config: Path | None
    seed: int
    proxy_metrics: bool
    runtime_metrics: bool
    accept_toxics: bool
    dial_seconds: float


def parse(arguments: Sequence[str]) -> Options:
    """Read the flags; prints and exits for `-version` (0), `-h` (0) and anything it does not know (2)."""
    parser = _Parser(
        prog="faultproxy",
        allow_abbrev=False,
        description="A TCP fault proxy with Toxiproxy's API.",
        add_help=False,
    )
    add = parser.add_argument
    add("-h", "-help", "--help", action="help", help="show this and exit")
    add("-host", "--host", default="localhost", help="host for the API to listen on (default localhost)")
    add("-port", "--port", default="8474", help="port for the API to listen on (default 8474)")
    add("-config", "--config", type=Path, help="JSON file with the proxies to create at the start")
    add(
        "-seed",
        "--seed",
        type=int,
        default=time.time_ns(),
        help="seed of every random draw (default: the time)",
    )
    _flag(parser, "proxy-metrics", "per-proxy metrics on /metrics")
    _flag(parser, "runtime-metrics", "metrics of the process on /metrics")
    _flag(parser, "accept-toxics", "take `toxics` in create, populate and config, which Toxiproxy ignores")
    add(
        "-dial-timeout",
        "--dial-timeout",
        type=float,
        default=30.0,
        help="seconds to reach an upstream (default 30)",
    )
    add(
        "-version",
        "--version",
        action="version",
        version=f"toxiproxy-server version {VERSION}",
        help="print it",
    )
    given = parser.parse_args(arguments)
    return Options(
        given.host,
        given.port,
        given.config,
        given.seed,
        given.proxy_metrics,
        given.runtime_metrics,
        given.accept_toxics,
        given.dial_timeout,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if message.startswith("unrecognized arguments: -"):
            flag = message.split()[2].lstrip("-").partition("=")[0]
            message = f"flag provided but not defined: -{flag}"
        self.exit(2, f"{message}\n{self.format_help()}")


def _flag(parser: argparse.ArgumentParser, name: str, text: str) -> None:
    parser.add_argument(f"-{name}", f"--{name}", nargs="?", const=True, default=False, type=_boolean, help=text)


def _boolean(text: str) -> bool:
    if text.lower() in {"1", "t", "true"}:
        return True
    if text.lower() in {"0", "f", "false"}:
        return False
    raise argparse.ArgumentTypeError(f"invalid boolean value {text!r}: use true or false")
