import json

import pytest
from django.core.management import CommandError, call_command

from manage import KinshipCommandLine
from recommender.retrieval import vocabulary
from tests.shop import NOON, Shop, event

JUDGED = "kind,query,product,grade\nwords,red puzzle,puzzle-red,3\ntypo,blue lmap,lamp-blue,2\n"


@pytest.fixture
def counted(stocked: Shop) -> Shop:
    """The goods with their vectors, and their words counted."""
    vocabulary.count(stocked.catalog)
    return stocked


def test_each_list_is_graded_alone_and_together_and_by_kind(counted, tmp_path, capsys):
    file, out = tmp_path / "judged.csv", tmp_path / "figures.json"
    file.write_text(JUDGED)
    call_command("evaluate_search", str(file), catalog="shop", k=5, json=out)
    printed = capsys.readouterr().out
    assert "shop, 2 judged queries" in printed
    figures = json.loads(out.read_text())
    assert figures.keys() == {"2 judged queries", "words", "typo"}
    together = {row["name"]: row for row in figures["2 judged queries"]}
    assert together.keys() == {"search", "words", "id", "text"}
    assert together["search"]["ndcg"] == together["search"]["mrr"] == 1.0
    assert together["id"]["ndcg"] == 0.0


def test_purchases_are_replayed_as_searches(counted, capsys):
    counted.visit("u1", "mug-red", "mug-green")
    counted.post(event("u1", "mug-blue", type="purchase", at=NOON.replace(hour=20)))
    call_command("evaluate_search", catalog="shop", replay=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "shop, purchases as searches"
    assert [line.split()[:2] for line in lines[3:5]] == [["plain", "1"], ["personal", "1"]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Give a file of judged queries, or --replay"),
        ({"replay": True}, "no purchase"),
        ({"replay": True, "k": 0}, "--k is from 1 to 100"),
        ({"replay": True, "catalog": "nothing"}, "There is no catalog 'nothing'"),
    ],
)
def test_what_cannot_be_is_said(counted, given, message):
    with pytest.raises(CommandError, match=message):
        call_command("evaluate_search", **({"catalog": "shop"} | given))


@pytest.mark.parametrize(
    ("content", "message"),
    [("query,product\n", "no column grade"), ("query,product,grade\nred,p,x\n", "Line 2")],
)
def test_a_file_that_is_not_right_is_said(counted, tmp_path, content, message):
    file = tmp_path / "judged.csv"
    file.write_text(content)
    with pytest.raises(CommandError, match=message):
        call_command("evaluate_search", str(file), catalog="shop")
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("evaluate_search", str(tmp_path / "none.csv"), catalog="shop")


def test_a_command_may_be_written_with_hyphens():
    utility = KinshipCommandLine(["evaluate-search", "--help"])
    command = utility.fetch_command("evaluate-search")
    assert type(command).__module__.endswith("evaluate_search")
