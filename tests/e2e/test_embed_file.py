"""`./kinship embed_file` in a pipe, as a shell runs it."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.e2e.service import Service

pytestmark = pytest.mark.slow


def test_a_reader_that_has_enough_ends_it_quietly(service: Service, tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("".join(f"Stoneware mug no. {number}\n" for number in range(20_000)))
    command = shlex.join(service.command("embed_file", "-"))

    done = subprocess.run(
        ["bash", "-c", f"{command} < {lines} | head -2"],
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["line"] for row in rows] == [1, 2]
    assert len(rows[0]["embedding"]) == 256
    assert "Nobody reads on" in done.stderr
    assert "Traceback" not in done.stderr
