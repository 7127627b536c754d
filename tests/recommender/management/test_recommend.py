import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from recommender.engine.answer import Query
from recommender.engine.recommend import recommend
from recommender.history import popularity
from tests.shop import DAY, NOON, Shop, numbered
from tests.threads import wait_until

Lines = dict[str, list[dict[str, Any]]]


@pytest.fixture
def busy(shop: Shop) -> Shop:
    shop.stock(**numbered(30))
    shop.embed()
    shop.visit("ann", "p0", "p4", at=NOON)
    shop.visit("bob", "p1", at=NOON + 10 * DAY)
    popularity.refresh(shop.catalog)
    return shop


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "recs.jsonl"


@pytest.fixture
def run(busy: Shop, out: Path) -> Callable[..., Lines]:
    """Runs the command; the items it wrote, by user."""

    def call(*arguments: str, users: str = "all") -> Lines:
        given = ["--catalog", "shop", "--users", users, "--out", str(out), *arguments]
        call_command("recommend", *given, stdout=StringIO())
        lines = [json.loads(line) for line in out.read_text().splitlines()]
        assert all(list(line) == ["user", "items"] for line in lines)
        return {line["user"]: line["items"] for line in lines}

    return call


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["id"] for item in items]


def test_every_user_has_a_line_of_ids_and_scores_best_first(
    run: Callable[..., Lines], busy: Shop
) -> None:
    lines = run("--count", "5")

    assert list(lines) == ["ann", "bob"]
    for user, items in lines.items():
        assert all(list(item) == ["id", "score"] for item in items)
        scores = [item["score"] for item in items]
        assert scores == sorted(scores, reverse=True)
        assert ids(items) == [
            item.id for item in recommend(busy.catalog, user, Query(count=5)).items
        ]


def test_twenty_products_are_the_default(run: Callable[..., Lines]) -> None:
    assert {len(items) for items in run().values()} == {20}


def test_what_a_user_had_is_left_out_unless_it_is_asked_for(run: Callable[..., Lines]) -> None:
    assert not {"p0", "p4"} & set(ids(run("--count", "28")["ann"]))
    assert {"p0", "p4"} <= set(ids(run("--count", "30", "--include-seen")["ann"]))


def test_users_come_from_a_file_in_its_order_each_once(
    run: Callable[..., Lines], tmp_path: Path
) -> None:
    users = tmp_path / "users.txt"
    users.write_bytes("\ufeffbob\n\n  ann \r\nnobody\nbob\nJosé\n".encode())

    assert list(run(users=str(users))) == ["bob", "ann", "nobody", "José"]


def test_an_unknown_user_gets_what_is_popular_and_is_counted(
    busy: Shop, out: Path, tmp_path: Path
) -> None:
    users = tmp_path / "users.txt"
    users.write_text("ann\nnobody\n")
    printed = StringIO()

    call_command(
        *("recommend", "--catalog", "shop", "--users", str(users), "--out", str(out)),
        stdout=printed,
    )

    assert printed.getvalue().startswith("2 users in ")
    assert "1 of them unknown and given what is popular" in printed.getvalue()
    unknown = json.loads(out.read_text().splitlines()[1])
    assert set(ids(unknown["items"])[:3]) == {"p0", "p1", "p4"}


@pytest.mark.parametrize("time", ["2025-06-02", "2025-06-02T00:00:00Z", "2025-06-02T02:00+02:00"])
def test_as_of_a_time_later_events_do_not_count(
    run: Callable[..., Lines], busy: Shop, time: str
) -> None:
    before = run("--as-of", time)
    assert ids(before["bob"])[:2] == ["p0", "p4"], "bob had no history yet: what is popular"

    busy.visit("ann", "p9", at=NOON + 20 * DAY)

    assert run("--as-of", time) == before
    assert run() != before


@pytest.mark.parametrize("time", ["0001-01-01", "9999-12-31T23:59:59+00:00"])
def test_any_time_there_is_can_be_asked_for(run: Callable[..., Lines], time: str) -> None:
    assert len(run("--as-of", time)) == 2


def test_no_users_are_an_empty_file(run: Callable[..., Lines], tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("\n")

    assert run(users=str(tmp_path / "none.txt")) == {}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--catalog", "shpo"], "There is no catalog 'shpo' (there are: shop)."),
        (["--count", "0"], "--count is from 1 to 1000."),
        (["--count", "1001"], "--count is from 1 to 1000."),
        (["--count", "ten"], "argument --count: invalid int value: 'ten'"),
        (["--as-of", "yesterday"], "--as-of 'yesterday' is no ISO 8601 time; write 2011-10-01"),
        (["--as-of", "2011-13-01"], "--as-of '2011-13-01' is no ISO 8601 time"),
        (["--users", "/nowhere/ids"], "Cannot read --users /nowhere/ids: No such file"),
        (["--users", "/"], "Cannot read --users /: Is a directory."),
        (["--out", "/nowhere/recs.jsonl"], "Cannot write /nowhere/recs.jsonl: No such file"),
        (["--out", "/"], "--out / is a directory; name a file."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_in_a_line(
    busy: Shop, out: Path, arguments: list[str], message: str
) -> None:
    given = ["--catalog", "shop", "--users", "all", "--out", str(out), *arguments]

    with pytest.raises(CommandError) as caught:
        call_command("recommend", *given)

    assert message in str(caught.value)
    assert not out.exists()


@pytest.mark.parametrize("content", [b"ann\n\xff\xfe\n", b"ann\nb\0b\n"], ids=["bytes", "nul"])
def test_a_file_of_users_that_is_no_text_is_refused(
    run: Callable[..., Lines], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "users").write_bytes(content)

    with pytest.raises(CommandError, match=r"text; write one id a line\."):
        run(users=str(tmp_path / "users"))


def test_a_run_that_is_broken_off_leaves_the_old_file_and_nothing_beside_it(
    run: Callable[..., Lines], out: Path, tmp_path: Path
) -> None:
    run()
    before = out.read_bytes()
    users = tmp_path / "users"
    users.write_text("\n".join(f"nobody{n}" for n in range(30_000)))
    partial = tmp_path / "recs.jsonl.partial"

    def interrupt() -> None:
        """Ctrl-C, once something has been written."""
        wait_until(lambda: partial.exists() and partial.stat().st_size > 0)
        os.kill(os.getpid(), signal.SIGINT)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(users=str(users))

    assert out.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"recs.jsonl", "users"}
