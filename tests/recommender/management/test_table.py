from recommender.management.table import aligned


def test_words_stand_left_and_numbers_right() -> None:
    rows = [("space", "rows", "cost"), ("text@1", "7", "$0.50"), ("t", "1,200", "$12.00")]
    assert aligned(rows).splitlines() == [
        "space    rows    cost",
        "text@1      7   $0.50",
        "t       1,200  $12.00",
    ]


def test_a_header_alone_is_a_table() -> None:
    assert aligned([("space", "rows")]) == "space  rows"
