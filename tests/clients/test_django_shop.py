"""The example shop: its own tests, and the commands of its page as they stand there."""

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clients.conftest import Running
from tests.docs.test_commands import commands_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
SHOP = ROOT / "examples/django_shop"


def run(
    command: list[str], directory: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=directory,
        env=dict(variables),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_shop_s_own_tests_pass_with_a_running_service(running: Running) -> None:
    running.service.manage("create_catalog", "shop-tests")
    key = running.service.manage("create_api_key", "shop-tests", "--scope", "server").strip()
    variables = running.service.environment | {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "KINSHIP_URL": running.url,
        "KINSHIP_KEY": key,
    }
    pytest_ = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:randomly"]
    done = run([*pytest_, "-rs"], SHOP, variables)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout


def test_the_commands_of_its_page_end_with_recommendations(
    running: Running, tmp_path: Path
) -> None:
    (tmp_path / "kinship").symlink_to(ROOT / "kinship")
    ignored = shutil.ignore_patterns("db.sqlite3", ".venv", "__pycache__")
    shutil.copytree(SHOP, tmp_path / "examples/django_shop", ignore=ignored)
    variables = running.service.environment | {
        "KINSHIP_TIMEOUT": "30",  # on a busy machine, too
        "KINSHIP_PORT": str(running.service.port),
        "PATH": f"{Path(sys.executable).parent}:{running.service.environment['PATH']}",
        # In the place of what `pip install` does.
        "PYTHONPATH": str(ROOT / "clients/python/src"),
    }
    del variables["DJANGO_SETTINGS_MODULE"]  # that of these tests
    script = "\n".join(["set -eu", *commands_of(SHOP / "README.md")])
    script = script.replace("127.0.0.1:8000", f"127.0.0.1:{running.service.port}")
    script = script.replace("8080", str(running.page_port))
    done = run(["bash", "-c", script], tmp_path, variables)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]

    home = done.stdout[done.stdout.rindex("<!doctype html>") :]
    chosen, *_ = home.partition("Bestsellers")
    assert "<h2>For you</h2>" in chosen
    listed = re.findall(r'href="/product/([\w-]+)/\?rec_id=', chosen)
    assert len(listed) == 6
    # Who looked at a moka pot and espresso beans is shown what goes with coffee.
    assert len({"grinder", "press", "beans-house", "beans-decaf", "kettle"} & set(listed)) >= 2
    assert "<small>" in chosen
