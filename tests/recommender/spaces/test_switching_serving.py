import pytest
from django.db import DataError, ProgrammingError, transaction

from recommender import database
from recommender.spaces.switching import SERVING_COLUMNS, ServingSpace, answered, serving
from tests.recommender.spaces.training import train
from tests.shop import Shop

GONE = "SELECT FROM recommender_productvector_0"


def test_a_space_is_labelled_by_name_and_version(shop: Shop) -> None:
    assert serving(shop.space).label == "text@1"


def test_a_space_is_the_same_from_its_columns_as_from_its_row(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    als = train(shop)

    rows = database.fetch(
        f"SELECT {SERVING_COLUMNS} FROM recommender_space s WHERE status = 'active' ORDER BY name"
    )

    spaces = [ServingSpace(*row) for row in rows]
    assert spaces == [serving(als), serving(shop.space)]
    assert [(space.kind, space.metric) for space in spaces] == [
        ("behaviour", "inner_product"),
        ("text", "cosine"),
    ]


def test_an_answer_is_made_again_where_a_table_was_gone(committed_shop: Shop) -> None:
    tries = iter([GONE, "SELECT 7"])

    assert answered(lambda: database.fetch(next(tries))) == [(7,)]


def test_within_a_transaction_what_was_done_before_stays(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    tries = iter([GONE, "SELECT count(*) FROM recommender_product"])

    with transaction.atomic():
        assert answered(lambda: database.fetch(next(tries))) == [(1,)]


def test_a_table_that_stays_gone_is_an_error(shop: Shop) -> None:
    with pytest.raises(ProgrammingError, match="does not exist"):
        answered(lambda: database.fetch(GONE))


@pytest.mark.parametrize(
    ("query", "error"), [("SELECT FROM", ProgrammingError), ("SELECT 1 / 0", DataError)]
)
def test_what_else_is_wrong_is_not_tried_again(
    shop: Shop, query: str, error: type[Exception]
) -> None:
    tries = iter([query])

    with pytest.raises(error):
        answered(lambda: database.fetch(next(tries)))
