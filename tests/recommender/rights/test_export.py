from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.core.management import CommandError, call_command

from recommender.models import Experiment, User
from recommender.rights import export
from recommender.rights.export import Cursor, CursorError, UnknownUserError
from tests.recommender.api.client import Api, problem
from tests.recommender.effect.shown import show
from tests.recommender.rights import held
from tests.shop import NOON, Shop, event

PATH = "/v1/users/ann/export"


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Ann did 40 things, some of them at the same time, and saw 7 lists."""
    shop.stock(mug="Mug", lamp="Lamp")
    for number in range(20):
        at = NOON + timedelta(minutes=number)
        shop.post(event("ann", "mug", at=at), event("ann", "lamp", type="purchase", at=at))
    for number in range(7):
        show(shop, held.YESTERDAY + timedelta(minutes=number), "mug", user="ann")
    return shop


def pages(api: Api, limit: int) -> list[dict[str, Any]]:
    read = [api.get(PATH, limit=limit).json()]
    while read[-1]["next"]:
        read.append(api.get(PATH, limit=limit, cursor=read[-1]["next"]).json())
    return read


@pytest.mark.parametrize("limit", [1, 7, 20, 47, 1000])
def test_pages_of_any_size_are_together_the_whole(busy: Shop, api: Api, limit: int) -> None:
    whole = api.get(PATH).json()
    assert [len(whole[part]) for part in ("events", "shown")] == [40, 7]

    read = pages(api, limit)

    for part in (part.name for part in export.PARTS):
        assert [row for page in read for row in page[part]] == whole[part]
        assert all(len(page[part]) <= limit for page in read)


def test_an_event_is_told_as_it_was_sent_and_the_list_that_led_to_it(shop: Shop, api: Api) -> None:
    shop.stock(mug="Mug")
    rec_id = str(show(shop, held.YESTERDAY, "mug", user="ann", variant="new-rank/b"))
    sent = {"type": "purchase", "user": "ann", "product": "mug", "quantity": 2, "value": 9.5}
    at = held.NOW.isoformat()
    api.post("/v1/events", {**sent, "at": at, "rec_id": rec_id, "query": "red mug"})

    told = api.get(PATH).json()

    (did,), (shown,) = told["events"], told["shown"]
    assert did | sent | {"rec_id": rec_id, "query": "red mug"} == did | {"user": "ann"}
    assert did["at"] == at
    assert (shown["rec_id"], shown["variant"]) == (rec_id, "new-rank/b")
    assert shown["items"] == [["mug", "text", 1.0, 1.0]]


def test_the_variant_that_the_user_sees_is_told(shop: Shop, api: Api) -> None:
    User.objects.create(catalog=shop.catalog, external_id="ann")
    Experiment.objects.create(
        catalog=shop.catalog,
        name="rank",
        status=Experiment.Status.RUNNING,
        variants=[{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}],
    )
    (told,) = api.get(PATH).json()["variants"]
    assert told["variant"] in ("rank/a", "rank/b")


def test_what_the_user_likes_by_what_they_did_is_on_the_first_page(shop: Shop, api: Api) -> None:
    shop.put(
        *({"id": f"m{n}", "title": f"Mug {n}", "brand": "Emalia", "category": "Home"}
          for n in range(6))
    )  # fmt: skip
    shop.embed()
    shop.visit("ann", "m0", "m1")
    first, *others = pages(api, 2)
    assert {(one["by"], one["value"]) for one in first["segments"]} == {
        ("brand", "Emalia"),
        ("category", "Home"),
    }
    assert [page["segments"] for page in others] == [[]] * len(others)


def test_who_only_saw_lists_is_exported_too(shop: Shop, api: Api) -> None:
    show(shop, held.YESTERDAY, "mug", user="ann")
    told = api.get(PATH).json()
    assert told["user"] is None
    assert len(told["shown"]) == 1


def test_nobody_is_told_of_who_is_unknown_or_another_catalogs(
    busy: Shop, stranger: Api, api: Api, browser: Api
) -> None:
    assert problem(stranger.get(PATH), 404, "unknown-user")["missing_ids"] == ["ann"]
    problem(api.get("/v1/users/nobody/export"), 404, "unknown-user")
    problem(browser.get(PATH), 403, "wrong-scope")


@pytest.mark.parametrize(
    "cursor",
    [
        *("x", "W10", "bnVsbA", "eyJhIjogMX0", "WzFd"),
        "WyJldmVudHMiLCJ4IiwieSJd",  # ["events","x","y"]
        "WyJldmVudHMiXQ",  # ["events"]
        "WyJmaW5kaW5ncyIsIjk5OTk5OTk5OTk5OTk5OTk5OTk5OTkiXQ",  # ["findings", too large]
    ],
)
def test_a_cursor_that_is_none_is_refused(busy: Shop, api: Api, cursor: str) -> None:
    problem(api.get(PATH, cursor=cursor), 400, "invalid-cursor")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 10_001}, {"page": 2}])
def test_a_parameter_that_cannot_be_is_refused(busy: Shop, api: Api, query: Any) -> None:
    problem(api.get(PATH, **query), 400)


def test_a_cursor_names_a_part_and_a_place_in_it() -> None:
    with pytest.raises(CursorError):
        Cursor("profiles", ("1", "interest"))
    assert Cursor("profiles", ("1", "interest", "-1")).part == "profiles"


def test_the_document_has_what_the_pages_have(busy: Shop, api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(export, "USUAL_ROWS", 3)
    whole = api.get(PATH, limit=1000).json()
    del whole["next"]
    assert orjson.loads(b"".join(export.document(busy.catalog, "ann"))) == whole
    with pytest.raises(UnknownUserError):
        list(export.document(busy.catalog, "nobody"))


def test_the_command_writes_a_file_that_only_its_owner_reads(
    busy: Shop, tmp_path: Any, capsysbinary: Any
) -> None:
    out = tmp_path / "ann.json"
    call_command("export_user", "ann", "--catalog", "shop", "--output", str(out))
    assert len(orjson.loads(out.read_bytes())["events"]) == 40
    assert out.stat().st_mode & 0o077 == 0
    assert capsysbinary.readouterr().out.startswith(f"{out.stat().st_size:,} bytes".encode())
    call_command("export_user", "ann", "--catalog", "shop")
    assert orjson.loads(capsysbinary.readouterr().out)["id"] == "ann"


def test_the_command_says_who_is_unknown_and_writes_nothing(busy: Shop, tmp_path: Any) -> None:
    out = tmp_path / "nobody.json"
    with pytest.raises(CommandError, match="nothing is held about a user 'nobody'"):
        call_command("export_user", "nobody", "--catalog", "shop", "--output", str(out))
    assert not out.exists()
    with pytest.raises(CommandError, match="no catalog 'shoo'"):
        call_command("export_user", "ann", "--catalog", "shoo")
