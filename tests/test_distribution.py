"""What `pip install .` takes: the packages with all that is in them, under a name of our own."""

import tomllib
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests import wheels

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("embeddings", "recommender", "workers")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    return wheels.build(ROOT, tmp_path_factory.mktemp("wheel"))


def test_a_wheel_has_every_file_of_the_packages_and_no_other(wheel: ZipFile) -> None:
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    named = {name for name in wheel.namelist() if not name.endswith("/")}

    assert {name for name in named if ".dist-info/" not in name} == sources
    assert {"recommender/demo/products.jsonl", "recommender/migrations/0001_initial.py"} <= named
    assert "recommender/templates/recommender/admin/dashboard.html" in named


def test_it_has_the_extras_and_a_name_that_is_not_another_project_s(wheel: ZipFile) -> None:
    (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    told = Parser().parsestr(wheel.read(metadata).decode())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert told["Name"] == "kinship-recommender"
    assert set(told.get_all("Provides-Extra", [])) == set(project["optional-dependencies"])


def test_every_extra_can_be_set_up() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    for name, wanted in project["optional-dependencies"].items():
        locked = (ROOT / f"requirements-{name}.lock").read_text()
        for requirement in wanted:
            package = requirement.partition(">")[0].partition("=")[0].partition("[")[0]
            assert f"\n{package}==" in f"\n{locked}", f"{name} lacks {package}: make lock"
