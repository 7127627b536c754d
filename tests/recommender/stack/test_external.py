import socket

import pytest

from recommender.stack import StackConfig, StackError, broker_url, check_pgvector, database_url
from recommender.stack.broker import check_broker
from recommender.stack.external import check_database, pgvector_problem


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
    url = f"postgresql://shop:secret@127.0.0.1:{closed_port}/catalog"
    config = StackConfig(data_dir=tmp_path, database_url=url, broker_url=None)
    with pytest.raises(StackError, match=f"catalog at 127.0.0.1:{closed_port}.*refused") as error:
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


@pytest.mark.parametrize("version", ["0.8.4", "0.8.6", "0.10.0", "1.0", "0.9.0-dev"])
def test_a_new_enough_pgvector_will_do(version):
    assert pgvector_problem(version, None) is None
    assert pgvector_problem(version, version) is None


@pytest.mark.parametrize("version", ["0.8.3", "0.8.0", "0.5.1"])
def test_an_old_pgvector_is_named_with_the_one_that_is_needed(version):
    problem = pgvector_problem(version, None)
    assert version in problem
    assert "needs 0.8.4 or newer. Upgrade it" in problem


def test_a_database_left_at_an_old_pgvector_is_told_how_to_update():
    problem = pgvector_problem("0.8.6", "0.8.1")
    assert "still uses pgvector 0.8.1" in problem
    assert "ALTER EXTENSION vector UPDATE" in problem


def test_a_server_without_pgvector_is_told_to_install_it():
    assert "no pgvector. Install pgvector 0.8.4" in pgvector_problem(None, None)


def test_the_embedded_server_passes(shared):
    check_pgvector(database_url(shared))


def test_a_database_that_does_not_exist_is_reported_without_the_password(shared):
    url = database_url(shared).replace("kinship@/kinship", "kinship:secret@/missing")
    with pytest.raises(
        StackError, match=r'missing at .*database "missing" does not exist'
    ) as caught:
        check_pgvector(url)
    assert "secret" not in str(caught.value)
