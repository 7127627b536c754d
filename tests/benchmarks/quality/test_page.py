"""The page: what was measured now beside what was before, with published figures."""

from pathlib import Path

import pytest

from benchmarks.quality import formats, page, results
from benchmarks.quality.dataset import Dataset
from benchmarks.quality.published import PUBLIC_SETS, published
from benchmarks.quality.results import PRODUCT, Results, Row, SetResult, Training
from recommender.stack.config import PROJECT_DIR
from tests.benchmarks.quality import folders

_METRICS = ("recall@10", "ndcg@10", "recall@20", "ndcg@20")


def row(ndcg: float, half: float = 0.001, **others: object) -> Row:
    figures = dict.fromkeys(_METRICS, (ndcg, ndcg - half, ndcg + half))
    return Row(figures=figures, coverage=0.5, **others)  # type: ignore[arg-type]


def entry(**rows: Row) -> SetResult:
    return SetResult(
        protocol="Leave-one-out.",
        source="somewhere",
        users=19_412,
        tested=19_412,
        products=11_924,
        events=148_185,
        wanted=19_412,
        rows=rows,
        training=Training(
            seconds=90.0, processor_seconds=120.0, peak_bytes=1_500_000_000, all_seconds=100.0
        ),
    )


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    (one,) = formats.found(folders.lightgcn(tmp_path / "gowalla"))
    return one.prepare()


def test_the_best_stands_first_and_the_published_stand_below() -> None:
    rows = {PRODUCT: row(0.068), "EASE": row(0.05, settings="reg 300"), "popular": row(0.01)}

    text = page.render(Results({"toys": entry(**rows)}))

    places = [
        text.index(f"| {name} |") for name in (f"**{PRODUCT}**", "EASE", "popular", "*TIGER*")
    ]
    assert places == sorted(places)
    assert "| EASE | reg 300 | .0500 (.0490 to .0510) |" in text
    assert "| toys | 19,412 × 11,924 | EASE .0500 | .0680 | +36.0% |" in text
    assert "Kinship is 36.0% past EASE in NDCG@20." in text
    assert "120 s of the processor in 90 s by the clock, and 1.5 GB" in text
    assert "Rajput et al. 2023; 5-core, leave-one-out" in text


def test_a_lead_within_the_intervals_is_called_so() -> None:
    rows = {PRODUCT: row(0.100, half=0.01), "EASE": row(0.101, half=0.01)}

    text = page.render(Results({"toys": entry(**rows)}))

    assert "Kinship is 1.0%, within the intervals, behind EASE" in text


@pytest.mark.parametrize(("ndcg", "said"), [(0.09, "behind it"), (0.11, "AHEAD of it")])
def test_a_list_of_seven_days_that_does_better_is_told(ndcg: float, said: str) -> None:
    rows = {PRODUCT: row(0.1), "popular, 7 days": row(ndcg)}

    assert f"The list of the last seven days is {said}." in page.render(
        Results({"x": entry(**rows)})
    )


def test_a_method_that_was_left_out_says_why() -> None:
    text = page.render(Results({"x": entry(EASE=Row(note="Too many products."))}))

    assert "EASE is left out: Too many products." in text
    assert "| EASE |" not in text


def test_sets_that_were_never_there_are_missing_on_the_page() -> None:
    text = page.render(Results({"toys": entry(popular=row(0.1))}))

    for name, files in PUBLIC_SETS.items():
        assert (f"| {name} |  | not measured: needs {files} |" in text) == (name != "toys")


def test_the_page_is_the_same_whenever_it_is_made() -> None:
    found = Results({"toys": entry(popular=row(0.1)), "a": entry(EASE=row(0.2))})

    assert page.render(found) == page.render(Results(dict(reversed(found.sets.items()))))


def test_figures_are_the_same_when_they_are_read_again(tmp_path: Path) -> None:
    found = Results({"toys": entry(EASE=row(0.05, settings="reg 300"), BPR=Row(note="why"))})
    found.sets["toys"].checks = ["RecTools: the same."]

    results.save(found, tmp_path / "figures.json")
    again = results.load(tmp_path / "figures.json")

    assert page.render(again) == page.render(found)
    results.save(again, tmp_path / "again.json")
    assert results.load(tmp_path / "again.json") == again
    assert results.load(tmp_path / "none.json") == Results()


def test_a_set_of_another_split_loses_its_old_rows(dataset: Dataset) -> None:
    kept = Results()
    kept.of(dataset).rows["EASE"] = row(0.2)
    assert kept.of(dataset).rows

    kept.sets["gowalla"].events += 1

    assert not kept.of(dataset).rows


def test_published_figures_go_by_the_size_of_the_split() -> None:
    assert {figure.method for figure in published(29_858, 40_981)} >= {"BSPM-EM", "EASE"}
    assert published(29_858, 40_982) == []


def test_the_page_in_the_docs_is_made_of_the_figures_that_are_kept() -> None:
    kept = results.load(PROJECT_DIR / "benchmarks" / "quality" / "figures.json")

    assert kept.sets
    assert (PROJECT_DIR / "docs" / "leaderboard.md").read_text("utf-8") == page.render(kept)
