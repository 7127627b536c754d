import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recommender.stack.config import PROJECT_DIR

pytestmark = pytest.mark.slow

_SIZES = ("--products", "500", "--users", "50", "--dimension", "32")
_FILTERS = {
    f"{kind}, {passing} %"
    for kind in ("attribute", "price", "brand")
    for passing in (1, 5, 10, 50, 100)
}

_LISTS = {
    "search, two words",
    "search, for a user",
    "search, with facets",
    "search, misspelt",
    "suggestions",
    "recommendations, filter, boosts, diversity, caps and explained",
    "recommendations, explained",
    "similar, rules",
    "bought together",
    "popular in a category",
}


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        # A row of a table stays one line.
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bench")
    directory.chmod(0o711)  # as root, the servers' own user passes through
    return directory


@pytest.fixture(scope="module")
def outcome(directory: Path) -> "tuple[str, dict[str, Any]]":
    return _measured(directory, "--seconds", "0.5")


def _measured(directory: Path, *arguments: str) -> "tuple[str, dict[str, Any]]":
    """What a run on kept data prints, and its document."""
    file = directory / "figures.json"
    kept = ("--data-dir", str(directory / "data"), "--json", str(file))
    answer = run(*_SIZES, "--rounds", "1", *kept, *arguments)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout, json.loads(file.read_text())


def test_every_kind_of_request_has_its_figures(outcome: "tuple[str, dict[str, Any]]") -> None:
    figures = {figure["name"]: figure for figure in outcome[1]["figures"]}
    assert figures.keys() == _FILTERS | {
        "similar",
        "similar, same SQL through pgbench",
        "bare SQL through pgbench",
        "recommendations",
        "recommendations, one client",
        *_LISTS,
    }
    for figure in figures.values():
        assert figure["per_second"] > 0
        assert 0 < figure["p50"] <= figure["p99"]
        # pgbench's own processes are none of the service's.
        assert (
            figure["processor"] is None if "pgbench" in figure["name"] else figure["processor"] > 0
        )


def test_filtered_answers_are_full_and_right(outcome: "tuple[str, dict[str, Any]]") -> None:
    judged = [figure for figure in outcome[1]["figures"] if figure["recall"] is not None]
    assert {figure["name"] for figure in judged} == _FILTERS | {"similar"}
    assert min(figure["recall"] for figure in judged) >= 0.95
    assert min(figure["full"] for figure in judged) == 1.0


def test_the_report_has_a_row_for_each_figure_as_markdown(
    outcome: "tuple[str, dict[str, Any]]",
) -> None:
    printed, document = outcome
    rows = [line for line in printed.splitlines() if line.startswith("| ")]
    for figure in document["figures"]:
        assert any(row.startswith(f"| {figure['name']} |") for row in rows)
    assert any(row.startswith("| recommendations/s | 250 |") for row in rows)


def test_a_kept_data_directory_is_used_again(
    directory: Path, outcome: "tuple[str, dict[str, Any]]"
) -> None:
    _, again = _measured(directory, "--seconds", "0.2", "--only", "recommendations")

    assert set(outcome[1]["loading"]) >= {"products", "vectors", "index", "profiles"}
    assert again["loading"] == {}


def test_embedding_is_measured_and_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"

    sizes = ("--products", "1000", "--rounds", "1", "--seconds", "0.5")
    answer = run("--only", "embedding", *sizes, "--json", str(file))

    assert answer.returncode == 0, answer.stderr
    document = json.loads(file.read_text())
    measured = {measurement["name"]: measurement["value"] for measurement in document["measured"]}
    assert measured["wordllama-256 alone"] > measured["wordllama-256 through Celery"] > 0
    assert measured["failing provider: embedded"] == 99
    assert measured["failing provider: quarantined"] == 1
    assert measured["failing provider: lost"] == 0
    assert measured["failing provider: paid twice"] == 0
    assert "| failing provider: embedded | 99 | products |" in answer.stdout


def test_a_size_that_makes_no_sense_is_refused_with_what_to_give() -> None:
    answer = run("--products", "3")
    assert answer.returncode == 2
    assert "give 40 or more" in answer.stderr
