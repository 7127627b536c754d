import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from recommender.history import popularity
from recommender.insight.evaluation_result import METRICS
from recommender.models import EvaluationRun
from tests.shop import DAY, Shop, numbered


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Forty users who come back, each to another product each time."""
    shop.stock(**numbered(30))
    shop.embed()
    now = timezone.now()
    for user in range(40):
        for visit in range(4):
            product = f"p{(user + 4 * visit) % 30}"
            shop.visit(f"user{user}", product, at=now - (40 - 10 * visit) * DAY)
    popularity.refresh(shop.catalog)
    return shop


def evaluate(*options: str) -> tuple[str, str]:
    printed, told = StringIO(), StringIO()
    call_command("evaluate", "--catalog", "shop", *options, stdout=printed, stderr=told)
    return printed.getvalue(), told.getvalue()


def test_the_methods_stand_in_a_table_best_first_and_progress_apart(busy: Shop) -> None:
    printed, told = evaluate()

    document = EvaluationRun.objects.get().document
    first, _, header, *rows = printed.splitlines()
    assert first.startswith("shop, mode new: ")
    assert header.split()[:4] == ["method", "kind", "NDCG@20", "recall@20"]
    names = [method["name"] for method in document["methods"]]
    for row, name in zip(rows, names, strict=False):
        assert row.startswith(name)
    assert "blend" in printed or "fusion" in printed
    assert " to " in rows[0], "every mean has its interval"
    assert "method" not in told
    assert told
    assert "the best simple method (NDCG@20 ." in printed.splitlines()[-1]


def test_what_was_found_is_kept_for_the_admin(busy: Shop) -> None:
    evaluate("--mode", "all", "--k", "5")

    run = EvaluationRun.objects.get()
    assert (run.catalog, run.mode) == (busy.catalog, "all")
    assert run.document["k"] == 5


def test_all_figures_and_a_page_are_written_where_asked(busy: Shop, tmp_path: Path) -> None:
    written, page = tmp_path / "shop.json", tmp_path / "shop.html"

    evaluate("--json", str(written), "--report", str(page))

    document = json.loads(written.read_text())
    assert document == EvaluationRun.objects.get().document
    assert set(document["methods"][0]["metrics"]) == set(METRICS)
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert {path.name for path in tmp_path.iterdir()} == {"shop.json", "shop.html"}


@pytest.mark.parametrize("split", ["last", f"{timezone.now() - 15 * DAY:%Y-%m-%d}"])
def test_history_is_cut_where_asked(busy: Shop, split: str) -> None:
    printed, _ = evaluate("--split", split)

    assert f"split {split}" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--catalog", "shpo"], "There is no catalog 'shpo' (there are: shop)."),
        (["--k", "0"], "--k is from 1 to 1000."),
        (["--k", "1001"], "--k is from 1 to 1000."),
        (["--k", "ten"], "argument --k: invalid int value: 'ten'"),
        (["--mode", "old"], "argument --mode: invalid choice: 'old'"),
        (["--split", "soon"], "--split 'soon' is neither 'last' nor an ISO 8601 time; write"),
        (["--json", "/nowhere/a.json"], "Cannot write --json /nowhere/a.json: No such file"),
        (["--json", "/"], "--json / is a directory; name a file."),
        (["--report", "/nowhere/a.html"], "Cannot write --report /nowhere/a.html: No such file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_before_the_work(
    busy: Shop, arguments: list[str], message: str
) -> None:
    told = StringIO()

    with pytest.raises(CommandError) as caught:
        call_command("evaluate", "--catalog", "shop", *arguments, stderr=told)

    assert message in str(caught.value)
    assert told.getvalue() == ""
    assert not EvaluationRun.objects.exists()


def test_a_file_that_is_there_stays_as_it_was_where_nothing_comes_of_it(
    shop: Shop, tmp_path: Path
) -> None:
    written = tmp_path / "shop.json"
    written.write_text("old")

    with pytest.raises(CommandError):
        evaluate("--json", str(written))

    assert written.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["shop.json"]


def test_too_little_history_says_how_much_there_is_and_what_to_do(shop: Shop) -> None:
    shop.stock(mug="Mug", pot="Pot")
    now = timezone.now()
    for user in range(25):
        # Twenty-five users come back, five of them to something new.
        shop.visit(f"user{user}", "mug", at=now - 40 * DAY)
        shop.visit(f"user{user}", "pot" if user < 5 else "mug", at=now - DAY)

    with pytest.raises(CommandError) as caught:
        evaluate()

    assert str(caught.value) == (
        "Nothing can be measured: of 25 users with events, 5 have both a history before the split "
        "and new products to be found after it, and at least 20 are needed. Try --mode all, or "
        "import more history with `./kinship import_events`."
    )
    assert not EvaluationRun.objects.exists()


def test_a_catalog_of_few_users_is_asked_for_more_history_alone(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.visit("ann", "mug")

    with pytest.raises(CommandError, match=r"of 1 users with events, 0 have .* needed\. Import"):
        evaluate()
