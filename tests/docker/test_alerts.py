"""The alerts, by Prometheus' own tool where it is installed (Debian's package prometheus)."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docker/prometheus"
NAMES = re.findall(r"- alert: (\w+)", (FOLDER / "alerts.yml").read_text())

needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="promtool is not installed; on Debian: apt install prometheus",
)


def run(*arguments: str) -> None:
    done = subprocess.run(
        ["promtool", *arguments], check=False, capture_output=True, text=True, cwd=FOLDER
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_the_rules_and_the_configuration_are_valid():
    run("check", "rules", "alerts.yml")
    run("check", "config", "--syntax-only", "prometheus.yml")


@needs_promtool
def test_alerts_fire_when_they_should_and_not_before():
    run("test", "rules", "alerts.test.yml")


def test_each_alert_has_its_section():
    sections = re.findall(r"^### (\w+)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)
    assert sections == NAMES
    assert len(NAMES) == 22


def test_each_section_says_what_it_means_where_to_look_and_how_to_mend():
    sections = (ROOT / "docs/alerts.md").read_text().split("\n### ")[1:]
    for section in sections:
        assert re.search(r"\n(Page|Ticket)\.", section), section
        assert "Look:" in section, section
        assert "Mend:" in section, section
