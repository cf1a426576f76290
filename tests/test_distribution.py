"""What an installation gets: the files of the wheel, its command, its dependencies, and the pins of the others."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HOUSE = Path(__file__).parents[1]
BUILD = "from setuptools import build_meta; build_meta.build_wheel('built')"
SOURCES = ["mnistnet", "pages", ".streamlit", "streamlit_app.py", "pyproject.toml", "setup.py", "dependencies.txt"]
SOURCES += ["README.md", "LICENSE"]
DASHBOARD = ["streamlit_app.py", ".streamlit/config.toml", *(f"pages/{file.name}" for file in HOUSE.glob("pages/*.py"))]
# Names that torch pins itself (CUDA), and what installs the rest.
REQUIREMENTS = ["dependencies.txt", *(file.name for file in HOUSE.glob("requirements-*.txt"))]
UNPINNED = re.compile(r"(nvidia|cuda|triton)\b.*|pip")
COMMAND = """
import json
from mnistnet.cli import serving
print(json.dumps(serving.command(8502)))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout, built from a copy by the setuptools that is here: no network."""
    copy = tmp_path_factory.mktemp("copy")
    for name in SOURCES:
        if (HOUSE / name).is_dir():
            shutil.copytree(HOUSE / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "secrets.toml"))
        else:
            shutil.copy(HOUSE / name, copy)
    ended = subprocess.run([sys.executable, "-c", BUILD], cwd=copy, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    return zipfile.ZipFile(next((copy / "built").glob("*.whl")))


def read(wheel: zipfile.ZipFile, name: str) -> str:
    """The text of the one file of the wheel's metadata that has this name."""
    (path,) = [path for path in wheel.namelist() if path.endswith(f".dist-info/{name}")]
    return wheel.read(path).decode("utf-8")


def lines(name: str) -> list[str]:
    """The lines of a requirements file without comments."""
    return [line for line in (HOUSE / name).read_text("utf-8").splitlines() if line and not line.startswith("#")]


def test_a_wheel_holds_every_file_of_the_package_and_the_dashboard(wheel: zipfile.ZipFile) -> None:
    files = [path.relative_to(HOUSE) for path in (HOUSE / "mnistnet").rglob("*") if path.is_file()]
    wanted = {path.as_posix() for path in files if path.suffix != ".md" and "__pycache__" not in path.parts}
    wanted |= {f"mnistnet/dashboard/{name}" for name in DASHBOARD}
    assert {path for path in wheel.namelist() if ".dist-info/" not in path} == wanted


def test_a_wheel_depends_on_what_is_listed(wheel: zipfile.ZipFile) -> None:
    stated = Parser().parsestr(read(wheel, "METADATA"))
    assert stated.get_all("Requires-Dist") == lines("dependencies.txt")
    assert stated["License-Expression"] == "MIT"


def test_a_wheel_brings_the_command(wheel: zipfile.ZipFile) -> None:
    assert "mnistnet = mnistnet.__main__:main" in read(wheel, "entry_points.txt").splitlines()


def test_an_installation_serves_its_own_dashboard_from_any_folder(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    run, script, *options = json.loads(ended.stdout)
    assert (run, Path(script)) == ("run", tmp_path / "site" / "mnistnet" / "dashboard" / "streamlit_app.py")
    assert "--server.address=127.0.0.1" in options


def needed(name: str) -> set[str]:
    """The packages that this one asks for on this machine, by their normalised names."""
    try:
        stated = [Requirement(one) for one in requires(name) or []]
    except PackageNotFoundError:  # of another platform
        return set()
    return {str(canonicalize_name(one.name)) for one in stated if not one.marker or one.marker.evaluate({"extra": ""})}


def brought_along(direct: Iterable[str]) -> set[str]:
    """All packages that these need in turn, without these."""
    found, new = set(direct), set(direct)
    while new:
        new = set().union(*map(needed, new)) - found
        found |= new
    return found - set(direct)


def pins(name: str) -> dict[str, str]:
    """The exact versions in a requirements file by normalised name."""
    exact = [line.split("==") for line in lines(name) if not line.startswith("-")]
    return {str(canonicalize_name(package)): pinned for package, pinned in exact}


def test_every_package_that_comes_along_has_its_version_pinned() -> None:
    direct = {name: pin for file in REQUIREMENTS for name, pin in pins(file).items()}
    rest = brought_along(direct)
    constrained = pins("constraints.txt")
    assert {name for name in rest - set(constrained) if not UNPINNED.fullmatch(name)} == set()
    assert {name: constrained[name] for name in rest & set(constrained)} == {
        name: version(name) for name in rest & set(constrained)
    }
