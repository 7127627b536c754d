import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recommender.stack.config import PROJECT_DIR

pytestmark = pytest.mark.slow

_FAULTS = ("kill worker", "kill web", "kill database", "broker memory")


def chaos(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.chaos", *arguments],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


def test_nothing_acknowledged_is_lost_or_doubled_whatever_is_killed(tmp_path: Path) -> None:
    """A short form of `make chaos`; a seed that it prints does the same again."""
    file = tmp_path / "chaos.json"
    only = [word for fault in _FAULTS for word in ("--only", fault)]

    done = chaos("--times", "1", "--json", str(file), *only)

    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(file.read_text())
    assert [trial["fault"] for trial in document["trials"]] == list(_FAULTS)
    assert sum(trial["lost"] + trial["doubled"] for trial in document["trials"]) == 0
    assert all(trial["acknowledged"] > 0 for trial in document["trials"])
    assert f"Seed {document['seed']};" in done.stdout
    assert "| SIGKILL of PostgreSQL | 1 |" in done.stdout


def test_an_unknown_fault_is_refused_with_those_there_are() -> None:
    done = chaos("--only", "kill everybody")

    assert done.returncode == 2
    assert "kill everything" in done.stderr
