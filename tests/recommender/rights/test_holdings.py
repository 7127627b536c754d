"""Whatever is held about a user is exported and erased.

A new table with a column that names a user fails here until it is in `held.SEEDS`, the export and
the erasure have it.
"""

from collections import Counter

import pytest

from recommender.models import LateDay, Recommendation
from tests.recommender.api.client import Api, problem
from tests.recommender.effect.shown import show
from tests.recommender.rights import held
from tests.shop import Shop

ANN = "ann"


@pytest.fixture
def seeded(shop: Shop) -> Shop:
    """Ann and Bob, with something in every table."""
    shop.stock(mug="Mug", lamp="Lamp")
    shop.embed()
    held.seed(shop, ANN)
    held.seed(shop, "bob")
    return shop


def test_every_column_that_names_a_user_is_known(db: None) -> None:
    assert held.columns() == held.SEEDS.keys() == held.PARTS.keys()


def test_every_table_that_holds_something_of_a_user_is_in_the_export(
    seeded: Shop, api: Api
) -> None:
    exported = api.get(f"/v1/users/{ANN}/export").json()
    assert exported["next"] is None
    assert exported["user"]["attributes"] == {"name": held.MARKER}
    rows: Counter[str] = Counter()
    for column, part in held.PARTS.items():
        found = held.rows(column, seeded.user(ANN))
        assert found, column
        rows[part] += found
    assert {part: len(exported[part]) for part in rows} == rows


def test_nothing_of_an_erased_user_is_in_any_table_and_nothing_else_goes(
    seeded: Shop, api: Api
) -> None:
    ann, bob = seeded.user(ANN), seeded.user("bob")
    kept = {column: held.rows(column, bob) for column in held.SEEDS}

    assert api.delete(f"/v1/users/{ANN}").status_code == 204

    assert {column: held.rows(column, ann) for column in held.SEEDS} == dict.fromkeys(kept, 0)
    assert {column: held.rows(column, bob) for column in held.SEEDS} == kept
    problem(api.get(f"/v1/users/{ANN}/export"), 404, "unknown-user")


def test_who_only_saw_lists_is_erased_too(shop: Shop, api: Api) -> None:
    show(shop, held.YESTERDAY, "mug", user=ANN)
    assert api.delete(f"/v1/users/{ANN}").status_code == 204
    assert not Recommendation.objects.exists()
    assert LateDay.objects.get().day == held.YESTERDAY.date()
    problem(api.delete(f"/v1/users/{ANN}"), 404, "unknown-user")
