import importlib
from collections.abc import Iterator
from threading import Timer
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, ProgrammingError, connection, transaction
from django.db.backends.signals import connection_created
from django.test.utils import CaptureQueriesContext
from psycopg import sql
from structlog.testing import capture_logs

from recommender import asgi, database
from recommender.catalog import catalogs
from recommender.models import Catalog
from tests.recommender.api.client import Api, problem


@pytest.fixture
def autocommit(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database as a request has it: outside any transaction. What a test leaves, stays."""
    with django_db_blocker.unblock():
        connection.close()
        yield
        connection.close()


@pytest.fixture
def other() -> Iterator[psycopg.Connection[Any]]:
    """A connection of somebody else, to the maintenance database."""
    parameters = connection.get_connection_params() | {"dbname": "postgres"}
    plain = {
        k: v for k, v in parameters.items() if k in ("dbname", "host", "port", "user", "password")
    }
    with psycopg.connect(**plain, autocommit=True) as session:
        yield session


def backend() -> int:
    return int(database.fetch("SELECT pg_backend_pid()")[0][0])


def close_from_outside(other: psycopg.Connection[Any]) -> int:
    """End this process's session, as a restart of the server does; which it was."""
    pid = backend()
    assert other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,)).fetchone() == (True,)
    return pid


def ef_search() -> str:
    return str(database.fetch("SELECT current_setting('hnsw.ef_search', true)")[0][0])


def test_a_statement_runs_again_where_the_server_had_closed_the_connection(autocommit, other):
    before = close_from_outside(other)
    assert backend() != before


@pytest.fixture
def short_patience(settings: Any) -> Iterator[None]:
    """The statements of this process may take a fifth of a second, as in a web process."""
    settings.STATEMENT_SECONDS = 0.2
    database.limit_statements(settings.STATEMENT_SECONDS)
    connection.close()
    yield
    connection_created.disconnect(dispatch_uid="limit_statements")
    connection.close()


def test_a_statement_that_takes_too_long_is_stopped_and_answered_503_with_the_reason(
    committed_shop, admin_client, short_patience
):
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK recommender_apikey")
        answer = Api("kin_bro_anybody").get("/v1/users/u1/recommendations")
        embeddings = Api("kin_emb_anybody").post("/compatible-mode/v1/embeddings", {})
        page = admin_client.get("/admin/recommender/apikey/")
    assert "KINSHIP_STATEMENT_SECONDS" in problem(answer, 503, "took-too-long")["detail"]
    for stopped in (answer, embeddings, page):
        assert (stopped.status_code, stopped["Retry-After"]) == (503, "5")
        assert "stopped after 0.2 s" in stopped.content.decode()
    assert "text/html" in page["Content-Type"]
    assert admin_client.get("/admin/recommender/apikey/").status_code == 200


def test_the_statements_of_a_web_process_have_a_limit(autocommit):
    importlib.reload(asgi)
    connection.close()
    assert database.fetch("SHOW statement_timeout") == [("10s",)]
    connection_created.disconnect(dispatch_uid="limit_statements")
    connection.close()
    assert database.fetch("SHOW statement_timeout") == [("0",)]


def test_what_an_operator_asks_for_may_take_longer(committed_shop, short_patience):
    committed_shop.stock(a="A mug")
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("LOCK recommender_product")
        ending = Timer(0.5, other.rollback)
        ending.start()
        catalogs.delete_catalog(committed_shop.catalog)
        ending.join()
    assert not Catalog.objects.exists()


def test_a_statement_is_not_run_again_within_a_transaction(autocommit, other):
    def read_after_a_restart() -> None:
        with transaction.atomic():
            close_from_outside(other)
            database.fetch("SELECT 1")

    with pytest.raises(OperationalError):
        read_after_a_restart()
    assert database.fetch("SELECT 1") == [(1,)]


def test_an_error_of_the_statement_is_djangos_and_leaves_the_connection_alone(autocommit):
    before = backend()
    with pytest.raises(ProgrammingError, match="nowhere"):
        database.fetch("SELECT * FROM nowhere")
    database.execute("SET statement_timeout = 10")
    with pytest.raises(OperationalError, match="timeout"):
        database.fetch("SELECT pg_sleep(5)")
    assert backend() == before


def test_ef_search_is_told_once_a_session(autocommit):
    database.use_ef_search(77)
    with CaptureQueriesContext(
        connection,
    ) as told:
        database.use_ef_search(77)
    assert len(told) == 0
    assert ef_search() == "77"
    database.use_ef_search(78)
    assert ef_search() == "78"


def test_ef_search_is_told_again_after_a_reconnect(autocommit, other):
    database.use_ef_search(77)
    close_from_outside(other)
    assert ef_search() == "77"
    close_from_outside(other)
    database.use_ef_search(78)
    assert ef_search() == "78"


def test_ef_search_of_a_transaction_ends_with_it(autocommit):
    database.use_ef_search(77)
    with transaction.atomic():
        database.use_ef_search(99)
        assert ef_search() == "99"
    assert ef_search() == "77"
    database.use_ef_search(77)
    assert ef_search() == "77"


def test_ef_search_that_a_rollback_undid_is_told_again(autocommit):
    database.use_ef_search(77)
    with transaction.atomic():
        with transaction.atomic():
            database.use_ef_search(99)
            transaction.set_rollback(True)
        database.use_ef_search(99)
        assert ef_search() == "99"


def test_a_database_that_is_away_is_told_to_the_caller(autocommit, other):
    name = connection.settings_dict["NAME"]
    other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
    try:
        connection.close()
        for method, path in (
            ("GET", "/v1/products"),
            ("GET", "/v1/users/u1/recommendations"),
            ("POST", "/v1/events"),
        ):
            response = Api("a key").send(method, path, b"{}")
            problem(response, 503, "database-unavailable")
            assert int(response["Retry-After"]) > 0
        with capture_logs() as logs:
            ready = Api(None).get("/readyz")
        assert ready.status_code == 503
        # What the driver says names the database: it is for the log only.
        assert ready.json()["checks"]["database"] == "does not answer"
        assert name in logs[0]["error"]
        assert Api(None).get("/healthz").status_code == 200
    finally:
        other.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
    problem(Api("a key").get("/v1/products"), 401, "unknown-key")


def test_a_request_after_a_restart_finds_a_connection_that_is_alive(autocommit, other):
    before = close_from_outside(other)
    response = Api("a key").send("POST", "/v1/events", b"{}")
    problem(response, 401, "unknown-key")
    assert backend() != before


def test_a_request_keeps_a_connection_that_is_alive(autocommit):
    before = backend()
    Api("a key").get("/v1/products")
    assert backend() == before


def test_rows_come_as_plain_tuples_of_plain_values(db):
    rows = database.fetch("SELECT 1, 'x', 1.5::float8, %s::jsonb, NULL", ('{"a": [1]}',))
    assert rows == [(1, "x", 1.5, {"a": [1]}, None)]


def test_what_runs_shows_among_djangos_queries(db):
    table = sql.SQL("CREATE TEMPORARY TABLE {} (n int) ON COMMIT DROP").format(sql.Identifier("t"))
    with CaptureQueriesContext(connection) as captured:
        database.execute(table)
        with database.copy("COPY t FROM STDIN"):
            pass
        database.fetch("SELECT %s + 1", (1,))
        database.fetch(b"SELECT 1")
    assert [query["sql"] for query in captured] == [
        'CREATE TEMPORARY TABLE "t" (n int) ON COMMIT DROP',
        "COPY t FROM STDIN",
        "SELECT %s + 1",
        "SELECT 1",
    ]


def test_execute_counts_the_rows_it_touched(db):
    database.execute(
        "CREATE TEMPORARY TABLE numbers ON COMMIT DROP AS SELECT generate_series(1, 5) n"
    )
    assert database.execute("DELETE FROM numbers WHERE n > %s", (2,)) == 3
    with database.copy("COPY numbers FROM STDIN") as stream:
        stream.write_row((7,))
    assert database.fetch("SELECT sum(n) FROM numbers") == [(10,)]
