"""What holds for the whole repository: its folders, its modules, its pins, and what may not be written in it."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOFT_LIMIT = 350
"""Lines of one module; most have a third of that."""

ROOMS = ("platform/stormglass", "services", "worker", "observability", "chaos")


def tracked() -> list[Path]:
    """Every file that git knows or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


FILES = tracked()
MODULES = [path for path in FILES if path.suffix == ".py"]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_folder_platform_does_not_hide_the_standard_librarys_module() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()
    script = "import platform; print(platform.system()); print(platform.__file__)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    system, file = done.stdout.splitlines()
    assert system in {"Linux", "Darwin"}
    assert not Path(file).is_relative_to(ROOT / "platform")


@pytest.mark.parametrize("room", ROOMS)
def test_every_package_says_what_lives_in_it(room: str) -> None:
    packages = {path.parent for path in MODULES if path.is_relative_to(ROOT / room)}
    # Alembic finds migrations by their path, and Python needs nothing in their folder
    packages = {folder for folder in packages if folder.name not in {"versions", "alembic"}}
    silent = []
    for folder in sorted(packages):
        init = folder / "__init__.py"
        if not init.exists() or not ast.get_docstring(ast.parse(text_of(init))):
            silent.append(named(folder))
    assert silent == []


def test_every_module_of_the_platform_says_what_it_is_about() -> None:
    silent = [
        named(path)
        for path in MODULES
        if not path.is_relative_to(ROOT / "tests") and not ast.get_docstring(ast.parse(text_of(path)))
    ]
    assert silent == []


def test_modules_stay_small() -> None:
    long = {named(path): count for path in MODULES if (count := len(text_of(path).splitlines())) > SOFT_LIMIT}
    assert long == {}


def test_nothing_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    # put together here, so that this file does not contain what it looks for
    hosts = ("py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs.org", "proxy." + "golang.org")
    folders = ("/ho" + "me/", "/Use" + "rs/", "/wo" + "rk/")
    forbidden = re.compile("|".join([*(re.escape(host) for host in hosts), *(rf"(?<![\w.)}}]){f}\w" for f in folders)]))
    found = [f"{named(path)}: {match[0]}" for path in FILES for match in forbidden.finditer(text_of(path))]
    assert found == []


@pytest.mark.parametrize("name", ["runtime.txt", "development.txt"])
def test_every_requirement_is_pinned_by_version_and_hash_and_has_no_address(name: str) -> None:
    text = text_of(ROOT / "requirements" / name)
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.lstrip().startswith("#")]
    assert len(lines) > 20
    loose = [line for line in lines if not re.match(r"[\w.\[\]-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line)]
    assert loose == []


def test_development_adds_to_runtime_and_changes_nothing() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.\[\]-]+==\S+", text_of(ROOT / "requirements" / name), re.MULTILINE))

    assert pins("runtime.txt") < pins("development.txt")


def test_every_exception_to_a_rule_has_a_code_and_a_reason() -> None:
    exception = re.compile(r"#\s*(?:no" + r"qa|type:\s*ig" + r"nore)\b(?P<rest>.*)")
    good = re.compile(r"^(?::\s*[A-Z0-9, ]+?\s+-\s+\S|\[[a-z-, ]+\]\s+#\s+\S)")
    bad = [
        f"{named(path)}:{number}"
        for path in MODULES
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if (match := exception.search(line)) and not good.match(match["rest"])
    ]
    assert bad == []
