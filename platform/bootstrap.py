#!/usr/bin/env python3
"""Set-up from nothing: `.venv`, the pinned requirements, and the servers that do not come out of wheels.

    python3 platform/bootstrap.py [runtime | development]

Only the standard library is used, for this runs before anything is installed. Done once, it does nothing the next time:
a stamp holds the digest of what was installed. Safe to interrupt and to run again; two at once wait for each other.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / "bin"
LOG = VENV / "bootstrap.log"
TOXIPROXY = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"
DEBIAN = {
    "prometheus": ("prometheus", "promtool"),
    "prometheus-alertmanager": ("prometheus-alertmanager", "amtool"),
    "prometheus-postgres-exporter": ("prometheus-postgres-exporter",),
    "prometheus-redis-exporter": ("prometheus-redis-exporter",),
}
"""What the platform watches itself with: Debian's packages, and the programs wanted of each."""

SETS = ("runtime", "development")


class SetupError(Exception):
    """The set-up cannot go on; the text says what to do."""


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is happening, and how long it took."""
    # on a terminal the line with the outcome takes the place of this one
    print(f"  … {what}", end="\r" if sys.stdout.isatty() else "\n", flush=True)
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        print(f"  ✗ {what}", flush=True)
        raise
    print(f"  ✓ {what} ({time.monotonic() - begun:.1f} s)", flush=True)


def run(*command: str, environment: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run a command with its output in the log; its last lines are the error if it fails."""
    with LOG.open("ab") as log:
        log.write(f"$ {' '.join(command)}\n".encode())
        log.flush()
        done = subprocess.run(  # noqa: S603 - fixed commands with fixed arguments
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            env=environment,
            check=False,
        )
    if done.returncode:
        tail = LOG.read_text(errors="replace").splitlines()[-12:]
        raise SetupError(
            "\n    ".join([f"{' '.join(command[:4])} … exited with {done.returncode}:", *tail, f"(whole log: {LOG})"])
        )


def digest(wanted: str) -> str:
    """What has to change for an installation to be out of date."""
    inputs = (ROOT / "requirements" / f"{wanted}.txt", ROOT / "pyproject.toml")
    summed = hashlib.sha256(b"".join(path.read_bytes() for path in inputs))
    summed.update(f"{sys.version_info[:3]} {VENV}".encode())
    return summed.hexdigest()


def stamp(wanted: str) -> Path:
    """Where the digest of an installed set is kept."""
    return VENV / f"installed-{wanted}"


def installed(wanted: str) -> bool:
    """Whether this set, or a larger one, is installed as the files say now, under an interpreter that still runs."""
    larger = SETS[SETS.index(wanted) :]
    fresh = any(stamp(name).is_file() and stamp(name).read_text() == digest(name) for name in larger)
    return fresh and (BIN / "stormglass").exists() and os.access(BIN / "python", os.X_OK)


def make_environment() -> None:
    """Create `.venv`; on Debian, where Python comes without `venv`, root gets the package first."""
    try:
        import ensurepip  # noqa: F401 - only whether it is there
        import venv  # noqa: F401 - the same
    except ImportError:
        package = f"python3.{sys.version_info[1]}-venv"
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise SetupError(f"Python's venv module is missing: `sudo apt-get install {package}`, then again") from None
        VENV.mkdir(exist_ok=True)
        apt_update()
        run("apt-get", "install", "--yes", "--no-install-recommends", package)
    VENV.mkdir(exist_ok=True)
    run(sys.executable, "-m", "venv", "--clear", str(VENV))


def install(wanted: str) -> None:
    """Install one set of requirements, each file checked against its hash, then this checkout itself."""
    pip = (str(BIN / "python"), "-m", "pip", "--disable-pip-version-check", "--no-input")
    run(*pip, "install", "--require-hashes", "--requirement", str(ROOT / "requirements" / f"{wanted}.txt"))
    run(*pip, "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp(wanted).write_text(digest(wanted))


def apt_update() -> None:
    """Fetch Debian's package lists where there are none; only root can."""
    if os.geteuid() == 0 and not any(Path("/var/lib/apt/lists").glob("*_Packages*")):
        run("apt-get", "update")


def unpack(package: str, *programs: str) -> str | None:
    """Put programs into `.venv` out of Debian's package; returns why not, where it cannot be had.

    The package is unpacked, not installed: that needs no root, and starts no system service.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return "not on the path; install it and start again"
    with tempfile.TemporaryDirectory() as folder:
        try:
            apt_update()
            run("apt-get", "download", package, cwd=Path(folder))
        except SetupError:
            return f"apt cannot download it as this user: `sudo apt-get update` or `sudo apt-get install {package}`"
        (file,) = Path(folder).glob(f"{package}_*.deb")
        unpacked = VENV / "opt" / package
        unpacked.mkdir(parents=True, exist_ok=True)
        run("dpkg-deb", "--extract", str(file), str(unpacked))
    for name in programs:
        make_movable(unpacked / "usr" / "bin" / name)
        (BIN / name).unlink(missing_ok=True)
        (BIN / name).symlink_to(f"../opt/{package}/usr/bin/{name}")
    return None


def make_movable(program: Path) -> None:
    """Let a program look for its files relative to where it is run, as `patchelf` does for libraries.

    Debian's Alertmanager reads its templates from a directory under /usr/share that only an installation makes, and has
    no option for it. The name is replaced by one of the same length, so that nothing else in the file moves.
    """
    fixed = b"/usr/share/prometheus/alertmanager"
    text = program.read_bytes()
    if fixed in text:
        relative = b"." + b"/" * (len(fixed) - len(b".alertmanager")) + b"alertmanager"
        program.write_bytes(text.replace(fixed, relative))


def get_toxiproxy() -> str | None:
    """Build the real `toxiproxy-server` into `.venv` where there is a Go toolchain; our own stands in elsewhere."""
    if not shutil.which("go"):
        return "no Go toolchain: our own fault proxy is used"
    with tempfile.TemporaryDirectory() as folder:
        try:
            run("go", "install", TOXIPROXY, environment={**os.environ, "GOBIN": folder})
        except SetupError as error:
            return f"it could not be built, our own fault proxy is used; {error}"
        shutil.move(Path(folder) / "server", BIN / "toxiproxy-server")
    return None


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One set-up at a time in this checkout."""
    with (ROOT / "platform" / "bootstrap.py").open("rb") as own:
        fcntl.flock(own, fcntl.LOCK_EX)
        yield


def optional(name: str, get: Callable[[], str | None]) -> None:
    """Get a server that the platform can do without; say why where it cannot be had."""
    if shutil.which(name) or (BIN / name).exists():
        return
    with step(name):
        reason = get()
    if reason:
        print(f"    {name}: {reason}", flush=True)


def main() -> int:
    """Bring `.venv` up to date with the wanted set of requirements."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "runtime"
    if wanted not in SETS:
        print(f"bootstrap: there is no set {wanted!r}; there are {', '.join(SETS)}", file=sys.stderr)
        return 2
    if sys.version_info < (3, 11):
        print(f"bootstrap: Python 3.11 or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    try:
        with alone():
            if not installed(wanted):
                print(f"Setting up {ROOT}", flush=True)
                if not os.access(BIN / "python", os.X_OK) or not any(stamp(name).exists() for name in SETS):
                    with step(f"virtual environment with Python {sys.version.split()[0]}"):
                        make_environment()
                with step(f"pinned requirements ({wanted}), every file checked against its hash"):
                    install(wanted)
            for package, programs in DEBIAN.items():
                optional(programs[0], partial(unpack, package, *programs))
            optional("toxiproxy-server", get_toxiproxy)
    except SetupError as error:
        print(f"\nSet-up failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nSet-up interrupted; run it again, what is finished is kept", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
