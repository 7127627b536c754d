"""The command, on a folder of tiny sets."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.quality import cross_check, formats, product
from benchmarks.quality.cross_check import PEERS, sentence
from recommender.stack.config import PROJECT_DIR
from tests.benchmarks.quality import folders
from tests.benchmarks.quality.folders import USERS


def leaderboard(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    files = ("--page", str(home / "page.md"), "--figures", str(home / "figures.json"))
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.quality", *arguments, *files],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    folder = tmp_path / "sets"
    folders.plain(folder / "toys")
    folders.lightgcn(folder / "gowalla")
    return folder


def test_baselines_are_measured_and_written_and_those_before_stay(
    sets: Path, tmp_path: Path
) -> None:
    first = leaderboard(tmp_path, str(sets), "--only", "toys", "--method", "popular")
    second = leaderboard(
        tmp_path, str(sets), "--only", "gowalla", "--method", "EASE", "--method", "item-kNN"
    )

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    rows = {name: set(one["rows"]) for name, one in figures.items()}
    assert rows == {"toys": {"popular"}, "gowalla": {"EASE", "item-kNN"}}
    text = (tmp_path / "page.md").read_text()
    assert text.index("## gowalla") < text.index("## toys")
    assert "amazon-book is not there: it needs train.txt, test.txt." in first.stdout
    assert "toys is not there" not in second.stdout


def test_a_dry_run_says_what_would_run_and_writes_nothing(sets: Path, tmp_path: Path) -> None:
    done = leaderboard(tmp_path, str(sets), "--dry-run")

    assert done.returncode == 0, done.stderr
    assert f"toys: {USERS} users × 24 products, 240 events; about 1 minutes: Kinship" in done.stdout
    assert "popular, 7 days" not in done.stdout  # an order is no time
    assert not (tmp_path / "page.md").exists()


def test_one_bad_set_does_not_stop_the_others(sets: Path, tmp_path: Path) -> None:
    (sets / "gowalla" / "test.txt").write_text("1 two\n")

    done = leaderboard(tmp_path, str(sets), "--method", "popular")

    assert done.returncode == 1
    assert "test.txt, line 1: whole numbers are needed." in done.stdout
    assert "## toys" in (tmp_path / "page.md").read_text()


def test_without_a_folder_the_page_is_made_of_what_was_measured(sets: Path, tmp_path: Path) -> None:
    leaderboard(tmp_path, str(sets), "--only", "toys", "--method", "popular")
    text = (tmp_path / "page.md").read_text()
    (tmp_path / "page.md").unlink()

    done = leaderboard(tmp_path)

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "page.md").read_text() == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{sets}", "--only", "toy"), "has no set 'toy'. It has gowalla, toys."),
        (("{sets}/none",), "is no folder"),
        (("{sets}/..", "--only", "x"), "has no set. A set is recognised by"),
        (("{sets}", "--method", "magic"), "invalid choice: 'magic'"),
    ],
)
def test_what_cannot_be_run_says_so(
    sets: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = leaderboard(tmp_path, *(one.format(sets=sets) for one in arguments))

    assert done.returncode
    assert said in done.stderr


def test_help_has_examples_and_formats(tmp_path: Path) -> None:
    done = leaderboard(tmp_path, "--help")

    assert 'make leaderboard ARGS="DIR --dry-run"' in done.stdout
    assert "train.txt and test.txt" in done.stdout


def test_what_the_product_imports_is_what_is_known(tmp_path: Path) -> None:
    found = {one.name: one for one in formats.found(folders.retail(tmp_path / "retail"))}
    dataset = found["online-retail-all"].prepare()

    product.write(dataset, tmp_path)

    events = (tmp_path / "events.csv").read_text().splitlines()
    assert events[0] == "user,product,at,quantity,order"
    assert len(events) == 1 + len(dataset.known)
    assert max(line.split(",")[2] for line in events[1:]) < "2011-10-01"
    products = (tmp_path / "products.csv").read_text().splitlines()
    assert products[0] == "id,title,price"
    assert len(products) == 1 + dataset.shape[1]
    users = (tmp_path / "users.txt").read_text().split()
    assert users == [dataset.users[row] for row in dataset.tested]
    assert "--include-seen" in product.commands(dataset, tmp_path)[-1]


def test_lists_are_read_by_user_in_whatever_order_they_come(tmp_path: Path) -> None:
    (one,) = formats.found(folders.lightgcn(tmp_path / "gowalla"))
    dataset = one.prepare()
    lines = [
        {"user": dataset.users[row], "items": [{"id": dataset.products[row % 24], "score": 1.0}]}
        for row in reversed(dataset.tested.tolist())
    ]
    path = tmp_path / "lists.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    lists = product.read_lists(path, dataset)

    assert [int(listed[0]) for listed in lists] == [row % 24 for row in dataset.tested]
    path.write_text("")
    with pytest.raises(product.ProductError, match=f"no list for {len(dataset.tested)}"):
        product.read_lists(path, dataset)


def test_a_comparison_says_whether_the_figures_are_the_same() -> None:
    peer = PEERS[1]
    ours = {"recall": 0.2, "ndcg": 0.1}

    same = sentence(peer, ours, {"metrics": ours, "method": {"recall": 0.2009, "ndcg": 0.1}})
    other = sentence(peer, ours, {"metrics": ours, "method": {"recall": 0.2, "ndcg": 0.102}})

    assert same.count("the same to ± 0.001") == 2
    assert "NOT the same" in other


@pytest.mark.slow
def test_the_product_is_measured_on_a_stack_of_its_own(sets: Path, tmp_path: Path) -> None:
    keep = tmp_path / "kept"

    done = leaderboard(
        tmp_path, str(sets), "--only", "toys", "--method", "Kinship", "--keep", str(keep)
    )

    assert done.returncode == 0, done.stdout + done.stderr
    row = json.loads((tmp_path / "figures.json").read_text())["toys"]["rows"]["Kinship"]
    # By chance 20 of 24 products would nearly always hold it; of ten, fewer than half.
    assert row["figures"]["recall@10"][0] > 0.5
    assert row["processor_seconds"] > 0
    lists = [json.loads(line) for line in (keep / "toys" / "lists.jsonl").read_text().splitlines()]
    assert len(lists) == USERS
    assert "| **Kinship** | defaults |" in (tmp_path / "page.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_other_packages_have_the_same_figures(tmp_path: Path, peer: cross_check.Peer) -> None:
    """In the environment that `--cross-check` has made; the tests do not make it."""
    if not cross_check.is_installed(peer):
        pytest.skip(
            f"{peer.name} has no environment here: run `make leaderboard` with --cross-check."
        )
    (one,) = formats.found(folders.lightgcn(tmp_path / "gowalla"))

    ours, theirs = cross_check.compared(peer, one.prepare())

    assert theirs["metrics"] == pytest.approx(ours, abs=1e-6)
    assert np.isfinite(list(theirs["method"].values())).all()
