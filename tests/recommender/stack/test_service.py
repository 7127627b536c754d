from pathlib import Path

import pytest

from recommender.stack import StackConfig
from recommender.stack.service import Service, child_specs

CONFIG = StackConfig(data_dir=Path("/srv/data"), database_url=None, broker_url=None)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("shop.example", "http://shop.example:8000"),
    ],
)
def test_the_url_is_one_that_this_machine_can_open(host, url):
    assert Service(config=CONFIG, host=host, port=8000).url == url


def test_the_number_of_worker_processes_can_be_chosen():
    _, worker, _ = child_specs(Service(config=CONFIG, host="127.0.0.1", port=8000, workers=7))
    assert worker.command[worker.command.index("--concurrency") + 1] == "7"


def test_no_command_line_shows_a_password():
    config = StackConfig(
        data_dir=Path("/srv/data"),
        database_url="postgresql://shop:secret@db/shop",
        broker_url="redis://:secret@broker",
    )
    specs = child_specs(Service(config=config, host="127.0.0.1", port=8000))
    assert "secret" not in str([spec.command for spec in specs])
