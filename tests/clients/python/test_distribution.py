"""What `pip install kinship-client` takes: the package with all that is in it, and its types."""

import subprocess
import sys
import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests import wheels

ROOT = Path(__file__).resolve().parents[3] / "clients/python"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    return wheels.build(ROOT, tmp_path_factory.mktemp("wheel"))


def test_a_wheel_has_every_file_of_the_package_and_no_other(wheel: ZipFile) -> None:
    sources = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    named = {name for name in wheel.namelist() if not name.endswith("/")}

    assert {name for name in named if ".dist-info/" not in name} == sources
    assert "kinship_client/py.typed" in named
    assert "kinship_client/django/templatetags/kinship.py" in named


def test_it_needs_httpx_alone_and_says_what_its_extras_add(wheel: ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    told = Parser().parsestr(wheel.read(metadata).decode())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    needed = told.get_all("Requires-Dist", [])
    assert [one for one in needed if "extra ==" not in one] == ["httpx>=0.27"]
    assert set(told.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])


def test_it_imports_with_httpx_alone() -> None:
    """Neither Django nor Celery is loaded by the client itself."""
    program = "import sys, kinship_client; print({'django', 'celery'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout == "set()\n"
