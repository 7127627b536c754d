import re
from dataclasses import replace
from html.parser import HTMLParser

from recommender.insight.report import render
from tests.recommender.insight.evaluations import EVALUATION, UNMEASURED, evaluation


class _Page(HTMLParser):
    """The words of a page, the cells of its tables, and what it would fetch or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.rows: list[list[str]] = []
        self.fetched: list[str] = []
        self._cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        self._cell = tag in {"td", "th", "small"}
        if tag in {"script", "link", "img", "iframe", "object", "image"}:
            self.fetched.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "xlink:href"} and not (value or "").startswith("#"):
                self.fetched.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser passes it
        self._cell = False

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self._cell:
            self.rows[-1][-1] += f" {data}"


def test_the_page_says_what_was_measured_and_how_to_do_it_again() -> None:
    words = " ".join(_Page(render(EVALUATION)).words)

    for fact in (
        "How well tea & cups is recommended",
        "2011-10-01 00:00 UTC",
        "what users had is left out",
        "k = 20",
        "1,768",
        "3,502",
        "2026-01-02 03:04 UTC",
        "./kinship evaluate --catalog 'tea & cups'",
        "A sample of <users>.",
    ):
        assert fact in words, fact


def test_the_table_has_all_methods_best_first_with_their_intervals() -> None:
    rows = _Page(render(EVALUATION)).rows[:5]

    assert [row[1].strip()[:12] for row in rows[1:]] == [
        "learned rank",
        "text@1 a$b n",
        "popular",
        "EASE too man",
    ]
    assert len({len(row) for row in rows}) == 1
    ndcg = [row[3].split() for row in rows]
    assert ndcg[0] == ["NDCG"]
    assert ndcg[1] == ["0.1200", "0.1100", "to", "0.1300"]
    assert ndcg[4] == ["–"]
    assert "chosen by selection" in rows[1][1]


def test_bands_have_a_table_with_how_many_users() -> None:
    rows = _Page(render(EVALUATION)).rows

    headings = [row for row in rows if row[0] == " Method"]
    assert headings[0] == [" Method", " 0 (12)", " 1–3 (30)"]
    assert headings[2] == [" Method", " <30 (8)", " untouched (2)"]


def test_a_page_without_breakdowns_has_the_first_table_alone() -> None:
    plain = replace(EVALUATION.methods[0], by_history=(), by_age=())

    page = render(evaluation(plain))

    assert page.count("<table>") == 1


def test_the_page_stands_alone() -> None:
    page = render(EVALUATION)

    assert _Page(page).fetched == []
    assert not re.search(r"@import|url\((?!#)", page)
    assert page.count("<svg") == 4


def test_the_same_evaluation_makes_the_same_page() -> None:
    assert render(EVALUATION) == render(EVALUATION)


def test_a_page_of_nothing_measured_says_so() -> None:
    page = render(evaluation(UNMEASURED))

    assert "<svg" not in page
    assert "No method was measured" in page
    assert "too many products" in page
