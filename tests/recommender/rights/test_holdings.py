"""Whatever is held about a user is exported and erased.

A new table with a column that names a user fails here until it is in `held.SEEDS`, the export and
the erasure have it.
"""

import pytest

from tests.recommender.api.client import Api
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
    for column, part in held.PARTS.items():
        assert len(exported[part]) == held.rows(column, seeded.user(ANN)), column
        assert exported[part], column
