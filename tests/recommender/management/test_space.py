import sys
from io import StringIO
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError, call_command

from recommender.models import Space
from recommender.spaces import partitions
from recommender.spaces.lifecycle import create_space, find_space, finish
from tests.recommender import goods
from tests.recommender.insight.shopping import shop_by_colour
from tests.recommender.spaces.training import train
from tests.shop import Shop
from tests.workers.broker import Broker


def run(*arguments: str) -> str:
    """What `./kinship space …` prints."""
    printed = StringIO()
    call_command("space", *arguments, "--catalog", "shop", stdout=printed)
    return printed.getvalue()


@pytest.fixture
def workers(committed_shop: Shop, broker: Broker) -> Broker:
    """The broker, when what the shop itself sent is out of it."""
    goods.stock(committed_shop)
    broker.take()
    return broker


def test_a_version_is_made_with_what_was_chosen_and_embedded_at_once(
    committed_shop: Shop, workers: Broker
) -> None:
    printed = run(
        "create", "--model", "fake", "--dimension", "32", "--template", "{title}",
        "--kind", "multimodal", "--instruction", "Find it.", "--output", "dense&sparse",
        "--long-text", "split",
    )  # fmt: skip

    space = find_space(committed_shop.catalog, "text@2")
    assert (space.status, space.dimension, space.template) == ("building", 32, "{title}")
    assert (space.kind, space.instruction) == ("multimodal", "Find it.")
    assert (space.output, space.long_text) == ("dense&sparse", "split")
    assert printed.startswith("Made text@2: 24 products to embed, about ")
    assert "./kinship space build text@2 --catalog shop --wait" in printed
    assert workers.take() == [
        ("embed_space", [space.pk, pytest.approx(space.created_at.timestamp(), abs=30)])
    ]


def test_a_dry_run_says_what_it_would_take_and_makes_nothing(
    committed_shop: Shop, workers: Broker
) -> None:
    printed = run("create", "--model", "fake", "--dry-run")

    assert printed.startswith("text@2 would be made: 24 products to embed, about ")
    assert Space.objects.get() == committed_shop.space
    assert workers.take() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "--model", "no-such"), "There is no embedding model 'no-such'"),
        (("create", "--model", "fake", "--template", "{colour}"), "no field of a product"),
        (("create", "--model", "wordllama-256", "--dimension", "7"), "does not give 7"),
        (("create", "--model", "wordllama-256", "--kind", "image"), "does not read image"),
        (("create", "--model", "fake", "--kind", "behaviour"), "./kinship train"),
        (("activate", "text@1"), "text@1 serves already"),
        (("activate", "text@7"), "no space 'text@7' in shop; there are: text@1"),
        (("rollback",), "no version of 'text' to go back to"),
        (("rollback", "--name", "picture"), "no version of 'picture' to go back to"),
        (("retire", "text@1"), "text@1 serves"),
        (("compare", "text@1", "text@1"), "Both are text@1"),
    ],
)
def test_what_cannot_be_done_is_said(stocked: Shop, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        run(*arguments)


def test_a_model_whose_packages_are_missing_is_refused_with_what_installs_them(
    stocked: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python's own way to say that a module is not installed.
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    for options in ((), ("--dry-run",)):
        with pytest.raises(CommandError) as caught:
            run("create", "--model", "all-minilm-l6-v2", *options)

        assert "make setup EXTRAS=minilm" in str(caught.value)
        assert "\n" not in str(caught.value)
    assert Space.objects.get() == stocked.space


def test_an_unknown_catalog_and_an_unknown_subcommand_are_said(shop: Shop) -> None:
    with pytest.raises(CommandError, match="There is no catalog 'shpo'"):
        call_command("space", "list", "--catalog", "shpo")
    with pytest.raises(CommandError, match="invalid choice: 'lst'"):
        run("lst")


@pytest.mark.parametrize(
    "name", ["create", "build", "compare", "activate", "rollback", "retire", "list"]
)
def test_every_subcommand_helps_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        call_command("space", name, "--help")

    assert f"  ./kinship space {name} " in capsys.readouterr().out


def test_a_build_enqueues_that_space_alone(committed_shop: Shop, workers: Broker) -> None:
    space = create_space(committed_shop.catalog, model="fake")

    assert run("build", "text@2").startswith("text@2: 24 products to embed\nEnqueued.")

    ((name, (space_id, _)),) = workers.take()
    assert (name, space_id) == ("embed_space", space.pk)


def test_a_standby_is_not_built(stocked: Shop) -> None:
    goods.by_colour(stocked)
    run("activate", "text@2")

    with pytest.raises(CommandError, match="text@1 is standby"):
        run("build", "text@1")


def test_switching_and_going_back_tell_the_workers(committed_shop: Shop, workers: Broker) -> None:
    second = goods.by_colour(committed_shop)
    first = committed_shop.space

    assert run("activate", "text@2") == (
        "text@2 serves now.\nBack to text@1: ./kinship space rollback --catalog shop\n"
    )
    assert committed_shop.space == second
    committed_shop.stock(late="Desk lamp")
    workers.take()

    assert run("rollback") == "text@1 serves again; 1 products to embed, enqueued.\n"
    assert committed_shop.space == first
    assert [(name, arguments[0]) for name, arguments in workers.take()] == [
        ("embed_space", first.pk)
    ]


def test_a_version_that_is_not_ready_is_switched_to_by_force_only(stocked: Shop) -> None:
    create_space(stocked.catalog, model="fake")

    with pytest.raises(CommandError, match="no vector yet for 24 of 24 products"):
        run("activate", "text@2")

    assert run("activate", "text@2", "--force").startswith("text@2 serves now.")


def test_retiring_says_what_it_frees(stocked: Shop) -> None:
    space = goods.by_colour(stocked)

    assert run("retire", "text@2").startswith("Retired text@2: ")

    assert partitions.size(space.pk) == 0


def test_a_trained_space_is_listed_switched_and_retired_like_any(stocked: Shop) -> None:
    train(stocked)
    train(stocked)

    assert "als@2 serves now." in run("activate", "als@2")
    assert "als@1 serves again; 0 products" in run("rollback", "--name", "als")
    assert run("retire", "als@2").startswith("Retired als@2")

    lines = [line.split()[:4] for line in run("list").splitlines()[1:]]
    assert lines == [
        ["als@2", "retired", "implicit-als", "8"],
        ["als@1", "active", "implicit-als", "8"],
        ["text@1", "active", "fake", "64"],
    ]


def test_the_list_has_a_line_for_every_version(stocked: Shop) -> None:
    goods.by_colour(stocked)
    third = create_space(stocked.catalog, model="fake", dimension=16)
    Space.objects.filter(pk=third.pk).update(paused_reason="The budget is spent.")
    run("activate", "text@2")
    fourth = create_space(stocked.catalog, model="fake")
    run("retire", str(fourth))

    header, *lines = run("list").splitlines()

    assert header.split() == ["space", "status", "model", "dimension", "fresh", "size"]
    assert [line.split()[:4] for line in lines] == [
        ["text@4", "retired", "fake", "64"],
        ["text@3", "building", "fake", "16"],
        ["text@2", "active", "fake", "256"],
        ["text@1", "standby", "fake", "64"],
    ]
    assert "0 of 24" in lines[0]
    assert lines[1].endswith("paused: The budget is spent.")
    assert "24 of 24" in lines[2]


def test_a_comparison_is_printed_side_by_side_and_written_as_json(
    stocked: Shop, tmp_path: Path
) -> None:
    goods.by_colour(stocked)
    shop_by_colour(stocked, 24)
    file = tmp_path / "comparison.json"

    printed = run("compare", "text@1", "text@2", "--json", str(file))

    assert "text@1 (active)" in printed
    assert "text@2 (building)" in printed
    assert "24 of 24 (100.0%)" in printed
    assert "of 20 are the same, over 24 products" in printed
    assert "text@2 is better." in printed
    written = orjson.loads(file.read_bytes())
    assert (
        written["second"]["quality"]["ndcg"]["mean"] > written["first"]["quality"]["ndcg"]["mean"]
    )
    assert written["users"] == 24


def test_a_comparison_without_history_says_so(stocked: Shop) -> None:
    goods.by_colour(stocked)

    assert "Replay: Too little history: 0 users" in run("compare", "text@1", "text@2")


def test_a_comparison_that_cannot_be_written_says_why(stocked: Shop, tmp_path: Path) -> None:
    finish(goods.by_colour(stocked).pk)

    with pytest.raises(CommandError, match="Cannot write"):
        run("compare", "text@1", "text@2", "--json", str(tmp_path / "no" / "file.json"))
