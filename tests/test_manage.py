import os
import subprocess
import sys
from pathlib import Path

import pytest

from manage import needs_database


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
