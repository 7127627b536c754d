import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from manage import HELP, needs_database

ROOT = Path(__file__).parent.parent
COMMANDS = sorted(
    path.stem
    for path in (ROOT / "recommender/management/commands").glob("*.py")
    if path.stem != "__init__"
)


def run(
    *command: str | Path, cwd: Path = ROOT, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "command_line", ["migrate", "shell", "import_products FILE --catalog shop", "createsuperuser"]
)
def test_commands_get_the_servers_they_need(command_line):
    assert needs_database(command_line.split())


@pytest.mark.parametrize(
    "command_line",
    ["", "help", "--version", "migrate --help", "embed -h", "check", "status", "down", "up"],
)
def test_other_commands_start_nothing(command_line):
    assert not needs_database(command_line.split())


def test_a_command_loads_no_page_of_the_api_or_the_admin():
    script = """
import sys, manage
try:
    manage.main(["status"])
finally:
    print("loaded:", {"recommender.urls", "recommender.api.app", "lightgbm"} & sys.modules.keys())
"""

    assert "loaded: set()" in run(sys.executable, "-c", script).stdout


def test_a_reader_who_goes_away_is_no_error():
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as unread:
        done = subprocess.run(
            [sys.executable, "manage.py", "help", "--commands"],
            cwd=Path(__file__).parent.parent,
            stdout=unread,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (141, "")


def test_the_launcher_works_from_anywhere_and_through_links(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(ROOT / "kinship")
    second.symlink_to("first")

    done = run(second, "status", "--help", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: kinship status")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("help",)])
def test_help_says_what_each_command_is_for(arguments):
    done = run(ROOT / "kinship", *arguments)

    assert (done.returncode, done.stdout) == (0, HELP)
    assert [name for name in COMMANDS if name not in HELP] == []


def test_an_unknown_command_is_told_with_the_one_that_was_meant():
    done = run(ROOT / "kinship", "trian")

    assert (done.returncode, done.stderr) == (
        1,
        "Unknown command: 'trian'. Did you mean train?\nType './kinship help' for usage.\n",
    )


def test_the_launcher_without_an_environment_says_what_to_do(tmp_path):
    launcher = tmp_path / "a shop" / "kinship"
    launcher.parent.mkdir()
    shutil.copy(ROOT / "kinship", launcher)

    done = run(launcher, "up")

    said = f"Kinship is not set up yet. Run `make setup` in {launcher.parent}, then this again.\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


def test_a_python_without_the_packages_says_what_to_do():
    # Without site-packages, as the system's own Python.
    done = run(sys.executable, "-S", "manage.py", "up")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert f"Run `make setup` in {ROOT}, then ./kinship instead of manage.py." in done.stderr


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("{broken", "KINSHIP_MODELS cannot be read: "),
        ('["a"]', "KINSHIP_MODELS cannot be read: "),
        ("/nowhere.toml", "KINSHIP_MODELS cannot be read: "),
        ('{"text-embedding-v4": {"prize": 1}}', "'text-embedding-v4' is not right: prize"),
        ('{"mine": {"provider": "openai"}}', "'mine', which is not in the table, lacks dimension"),
    ],
)
def test_broken_models_are_one_line(models, said):
    done = run(ROOT / "kinship", "train", "--catalog", "shop", KINSHIP_MODELS=models)

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
