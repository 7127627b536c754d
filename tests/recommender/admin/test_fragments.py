from recommender.admin.fragments import interval, stored_table

from . import page


def test_names_of_what_is_nested_follow_one_another() -> None:
    stored = {
        "als": {"ndcg": {"mean": 0.1, "low": 0.09, "high": 0.11}, "rows": 12345},
        "is_won": True,
        "share": 0.123456,
        "why": "a < b",
    }

    assert page.words(stored_table(stored)) == (
        "als ndcg 0.1000 (0.0900 to 0.1100) als rows 12,345 is won yes share 0.1235 why a < b"
    )


def test_nothing_is_a_dash() -> None:
    assert stored_table({}) == interval(None) == "-"
