import pytest

from recommender.stack import StackError, check_pgvector, database_url
from recommender.stack.pgvector import pgvector_problem


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
    with pytest.raises(StackError, match=r'missing at .*database "missing" does not exist') as it:
        check_pgvector(url)
    assert "secret" not in str(it.value)
