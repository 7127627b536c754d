from django.db import connection

from recommender import database
from recommender.importing import staging
from recommender.importing.row import RefusedError
from recommender.importing.staging import Staging, check_rejects_path, default_rejects_path
from tests.threads import at_once

COLUMNS = {"id": "text", "user": "text"}


def tables() -> list[str]:
    rows = database.fetch("SELECT relname FROM pg_class WHERE relname LIKE 'recommender_import_%%'")
    return [name for (name,) in rows if not name.endswith("_pkey")]


def table(digit: str) -> Staging:
    return Staging(f"recommender_import_{digit * 32}", COLUMNS)


def test_what_is_staged_is_found_again_with_its_last_row(db):
    first = table("a")
    with staging.opened(first):
        first.fill(iter([(1, 2, "x", "u", None, None), (2, 7, None, None, "no id", ",u")]))
    again = table("a")
    with staging.opened(again):
        assert again.last_row() == 2
        assert again.reasons() == {"no id": 1}
        again.drop()
    assert tables() == []


def test_the_name_depends_on_content_and_options_and_not_on_the_path(tmp_path):
    one, other, copy = (tmp_path / name for name in ("one", "other", "copy"))
    one.write_text("a")
    other.write_text("b")
    copy.write_text("a")
    assert staging.name_of(one, "shop") == staging.name_of(copy, "shop")
    assert staging.name_of(one, "shop") != staging.name_of(other, "shop")
    assert staging.name_of(one, "shop") != staging.name_of(one, "store")


def test_tables_that_nobody_came_back_to_are_dropped_after_a_week(db):
    for digit, age in (("a", 8), ("b", 6)):
        made = table(digit)
        with staging.opened(made):
            long_ago = database.fetch("SELECT (now() - %s * interval '1 day')::text", (age,))
            with connection.cursor() as cursor:
                cursor.execute(f'COMMENT ON TABLE "{made.name}" IS %s', long_ago[0])
    with staging.opened(table("c")):
        assert tables() == [table("b").name, table("c").name]


def test_of_two_equal_imports_at_once_one_is_refused(transactional_db, monkeypatch):
    monkeypatch.setattr(staging, "LOCK_WAIT", "100ms")

    def work(number: int) -> str:
        try:
            held = table("a")
            with staging.opened(held):
                held.fill(iter([(1, number + 1, "x", "u", None, None)]))
                database.fetch("SELECT pg_sleep(0.5)")
        except RefusedError as exc:
            return str(exc)
        return "done"

    try:
        outcomes = sorted(at_once(2, work))
        assert outcomes[1] == "done"
        assert "running already" in outcomes[0]
    finally:
        table("a").drop()


def test_a_temporary_table_is_nobody_elses(transactional_db):
    temporary = Staging(table("a").name, COLUMNS, temporary=True)
    with staging.opened(temporary):
        kinds = database.fetch(
            "SELECT relpersistence::text FROM pg_class WHERE relname = %s", (temporary.name,)
        )
        temporary.drop()
    assert kinds == [("t",)]


def test_each_import_has_a_rejects_file_of_its_own(tmp_path):
    first = default_rejects_path(tmp_path, "shop", "events", "a.csv")
    second = default_rejects_path(tmp_path, "shop", "events", "a.csv")
    assert first != second
    assert first.parent == tmp_path / "rejects"
    assert first.name.startswith("shop-events-a.csv-")


def test_a_check_leaves_nothing_behind(tmp_path):
    check_rejects_path(tmp_path / "new" / "staging.csv", tmp_path / "source.csv")
    assert list((tmp_path / "new").iterdir()) == []
