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
