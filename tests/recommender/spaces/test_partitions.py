import pytest
from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.spaces import index, partitions
from recommender.spaces.lifecycle import create_space, delete_space
from tests.shop import Shop, numbered
from tests.threads import beside

_STORAGE = """
SELECT attname::text, attstorage::text FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 ORDER BY 1
"""


def held(shop: Shop) -> None:
    """What a worker and a request hold while they are at it: writing vectors, and reading them."""
    shop.stock(**numbered(3))
    shop.embed()
    index.vector_count(shop.space)


def test_a_partition_stores_its_columns_as_its_parent_does(shop: Shop) -> None:
    for kind in ("product", "profile"):
        parent = database.fetch(_STORAGE, (f"recommender_{kind}vector",))
        assert ("embedding", "p") in parent
        assert database.fetch(_STORAGE, (f"recommender_{kind}vector_{shop.space.pk}",)) == parent


def test_what_is_written_to_the_parent_lands_in_the_partition(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    database.execute(
        "INSERT INTO recommender_productvector (space_id, product_id, content_hash, embedded_at) "
        "SELECT %s, id, content_hash, now() FROM recommender_product",
        (shop.space.pk,),
    )

    rows = database.fetch(
        sql.SQL("SELECT count(*) FROM {}").format(partitions.product_vectors(shop.space.pk))
    )
    assert rows == [(1,)]


def test_a_space_is_made_beside_whoever_writes_vectors_of_another(committed_shop: Shop) -> None:
    made = beside(
        lambda: create_space(committed_shop.catalog, name="x", model="fake"),
        holding=lambda: held(committed_shop),
    )

    assert partitions.size(made.pk) > 0


def test_a_space_is_dropped_beside_whoever_reads_another(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(3))
    committed_shop.embed()
    other = create_space(committed_shop.catalog, name="x", model="fake")

    beside(lambda: delete_space(other), holding=lambda: index.vector_count(committed_shop.space))

    assert partitions.size(other.pk) == 0


def test_dropping_what_is_not_there_does_nothing(shop: Shop) -> None:
    space = create_space(shop.catalog, name="x", model="fake")
    partitions.drop(space.pk)

    with transaction.atomic():
        partitions.drop(space.pk)

    assert partitions.size(space.pk) == 0
    assert partitions.size(shop.space.pk) > 0


@pytest.mark.parametrize("which", [partitions.product_vectors, partitions.profile_vectors])
def test_the_size_counts_vectors_and_profiles(shop: Shop, which) -> None:
    before = partitions.size(shop.space.pk)
    name = which(shop.space.pk)
    database.execute(sql.SQL("CREATE INDEX ON {} (space_id)").format(name))

    assert partitions.size(shop.space.pk) > before
