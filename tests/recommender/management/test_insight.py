from io import StringIO
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError, call_command

from recommender.insight import runs
from recommender.insight.kinds import KINDS
from recommender.models import InsightRun
from tests.shop import Shop, numbered
from tests.workers.broker import Broker


@pytest.fixture
def filled(committed_shop: Shop, broker: Broker) -> Shop:
    committed_shop.stock(**numbered(12))
    committed_shop.embed()
    broker.take()
    return committed_shop


def call(*options: str) -> tuple[str, str]:
    """What is printed and what is told meanwhile."""
    printed, told = StringIO(), StringIO()
    call_command("insight", *options, "--catalog", "shop", stdout=printed, stderr=told)
    return printed.getvalue(), told.getvalue()


def test_the_workers_are_asked_and_it_is_said_how_to_look(filled: Shop, broker: Broker) -> None:
    printed, _ = call("clusters")

    run = InsightRun.objects.get()
    assert printed.startswith(f"Clusters of shop, run {run.uuid}, is waiting. --wait shows")
    assert broker.take() == [("insight", [run.pk])]


def test_without_a_worker_it_is_done_here_and_what_was_found_is_shown(filled: Shop) -> None:
    printed, told = call("clusters", "--k", "4", "--wait", "--findings", "3")

    run = InsightRun.objects.get()
    assert run.status == "done"
    assert run.parameters["k"] == 4
    assert "No worker runs here: it is done in this process." in told
    header, *rows = printed.splitlines()
    assert header.split() == ["score", "group", "id", "title"]
    assert len(rows) == 4
    assert rows[-1].startswith(run.summary)


def test_it_is_json_where_that_is_asked_for(filled: Shop) -> None:
    printed, _ = call("clusters", "--wait", "--json", "--findings", "2")

    told = orjson.loads(printed)
    assert told["status"] == "done"
    assert len(told["findings"]) == 2


def test_what_is_wrong_is_said_in_a_line(filled: Shop) -> None:
    with pytest.raises(CommandError, match="--k: Input should be greater than or equal to 2"):
        call("clusters", "--k", "1")
    with pytest.raises(CommandError, match="this needs 50 at least"):
        call("clusters", "--k", "50")
    with pytest.raises(CommandError, match="There is no active space 'sound'"):
        call("clusters", "--space", "sound")
    with pytest.raises(CommandError, match="--findings is 0 or more"):
        call("clusters", "--findings", "-1")
    with pytest.raises(CommandError, match="There is no catalog 'nowhere'"):
        call_command("insight", "clusters", "--catalog", "nowhere")
    assert not InsightRun.objects.exists()


def test_who_asks_while_one_waits_is_told_which(filled: Shop) -> None:
    run = runs.request(filled.catalog, KINDS["clusters"], KINDS["clusters"].read({}))

    with pytest.raises(CommandError, match=f"is waiting already, as run {run.uuid}"):
        call("clusters", "--wait")


def test_a_run_that_fails_says_why(committed_shop: Shop) -> None:
    committed_shop.stock(a="mug", b="mug")
    committed_shop.embed()

    with pytest.raises(CommandError, match="are equal"):
        call("clusters", "--wait")


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.draw])
def test_what_was_found_is_drawn(filled: Shop, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "picture.png"

    call(kind, "--k", "3", "--wait", "--findings", "0", "--picture", str(out))

    assert out.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(CommandError, match="--picture needs --wait"):
        call(kind, "--picture", str(out))
    with pytest.raises(CommandError, match="No such file or directory"):
        call(kind, "--k", "3", "--wait", "--picture", str(tmp_path / "nowhere/picture.png"))
