import socket

import pytest

from recommender.stack import StackConfig, StackError, broker_url, database_url
from recommender.stack.external import check_broker, check_database


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_servers_that_answer_pass(shared, tmp_path):
    config = StackConfig(
        data_dir=tmp_path, database_url=database_url(shared), broker_url=broker_url(shared)
    )
    check_database(config)
    check_broker(config)


def test_an_unreachable_database_is_named_without_its_password(closed_port, tmp_path):
    url = f"postgresql://shop:secret@127.0.0.1:{closed_port}/catalogue"
    config = StackConfig(data_dir=tmp_path, database_url=url, broker_url=None)
    with pytest.raises(StackError, match=f"catalogue at 127.0.0.1:{closed_port}.*refused") as error:
        check_database(config)
    assert "DATABASE_URL" in str(error.value)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_an_unreachable_broker_is_named_without_its_password(scheme, closed_port, tmp_path):
    url = f"{scheme}://shop:secret@127.0.0.1:{closed_port}//"
    config = StackConfig(data_dir=tmp_path, database_url=None, broker_url=url)
    with pytest.raises(StackError, match=f"127.0.0.1:{closed_port}.*refused") as error:
        check_broker(config)
    assert "BROKER_URL" in str(error.value)
    assert "secret" not in str(error.value)


def test_embedded_servers_are_not_checked_here(tmp_path):
    config = StackConfig(data_dir=tmp_path, database_url=None, broker_url=None)
    check_database(config)
    check_broker(config)
