from recommender.management.table import aligned, method_table
from tests.recommender.insight.evaluations import EVALUATION


def test_words_stand_left_and_numbers_right() -> None:
    rows = [("space", "rows", "cost"), ("text@1", "7", "$0.50"), ("t", "1,200", "$12.00")]
    assert aligned(rows).splitlines() == [
        "space    rows    cost",
        "text@1      7   $0.50",
        "t       1,200  $12.00",
    ]


def test_a_header_alone_is_a_table() -> None:
    assert aligned([("space", "rows")]) == "space  rows"


def test_methods_stand_best_first_with_intervals_and_notes_below() -> None:
    lines = method_table(EVALUATION).splitlines()

    assert lines[0] == (
        "tea & cups, mode new: 1,768 users, 3,502 products, split 2011-10-01 at 2011-10-01 00:00 "
        "UTC."
    )
    assert lines[2].split()[:5] == ["method", "kind", "NDCG@20", "recall@20", "MRR"]
    starts = ["learned rank", "text@1 a$b", "popular", "EASE"]
    assert [line.startswith(start) for line, start in zip(lines[3:7], starts, strict=True)] == [
        True
    ] * 4
    assert "0.1200 (0.1100 to 0.1300)" in lines[3]
    assert lines[6].split() == ["EASE", "baseline", *["-"] * 9]
    assert lines[8:] == [
        "learned rank: chosen by selection",
        "EASE: too many products",
        "A sample of <users>.",
        "Only products new in the days tested, recall@20, 2 users: learned rank -, text@1 a$b "
        "neighbours of a very, very long name that goes on and on -.",
        "Users who had one to three products, NDCG@20, 30 users: learned rank 0.1200 (0.1100 to "
        "0.1300), text@1 a$b neighbours of a very, very long name that goes on and on 0.0800 "
        "(0.0700 to 0.0900).",
        "In brackets, where the mean lies with 95 % confidence.",
        "",
        "learned rank is 50 % better than the best simple method (NDCG@20 .120 against .080), "
        "which is text@1 a$b neighbours of a very, very long name that goes on and on.",
    ]
