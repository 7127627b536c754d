import pytest

from recommender import database
from recommender.models import EmbeddingClaim, Space
from recommender.spaces import lifecycle, staleness
from recommender.spaces.lifecycle import active_space, create_space, delete_space, finish
from recommender.spaces.template import TemplateError
from tests.shop import Shop, numbered
from tests.threads import at_once


def index_oid(space: Space) -> int | None:
    name = f"recommender_productvector_{space.pk}_hnsw"
    return database.fetch("SELECT to_regclass(%s)::oid::int", (name,))[0][0]


def tables(space: Space) -> set[str]:
    names = [f"recommender_{kind}vector_{space.pk}" for kind in ("product", "profile")]
    query = "SELECT relname::text FROM pg_class WHERE relname = ANY(%s)"
    return {row[0] for row in database.fetch(query, (names,))}


def test_the_first_version_of_a_space_serves_at_once(shop: Shop) -> None:
    space = create_space(shop.catalog, name="image", model="fake", dimension=8)

    assert (space.version, space.status) == (1, Space.Status.ACTIVE)
    assert space.activated_at is not None
    assert active_space(shop.catalog.pk, "image") == space


def test_a_later_version_is_built_beside_the_one_that_serves(shop: Shop) -> None:
    first = shop.space

    second = create_space(shop.catalog, model="fake", dimension=128)

    assert (second.version, second.status) == (2, Space.Status.BUILDING)
    assert second.activated_at is None
    assert active_space(shop.catalog.pk) == first


def test_a_catalogue_without_such_a_space_has_none_active(shop: Shop) -> None:
    assert active_space(shop.catalog.pk, "image") is None


def test_versions_made_at_once_are_numbered_one_by_one(committed_shop: Shop) -> None:
    made = at_once(
        3, lambda _: create_space(committed_shop.catalog, name="x", model="fake", dimension=8)
    )

    assert sorted(space.version for space in made) == [1, 2, 3]
    assert sum(space.status == Space.Status.ACTIVE for space in made) == 1


def test_a_template_with_an_unknown_field_makes_no_space(shop: Shop) -> None:
    with pytest.raises(TemplateError, match="colour"):
        create_space(shop.catalog, model="fake", dimension=8, template="{title} {colour}")

    assert Space.objects.count() == 1


def test_a_space_is_not_finished_while_a_product_is_stale(shop: Shop) -> None:
    shop.stock(**numbered(3))
    shop.embed()
    shop.stock(late="Desk lamp")

    assert not finish(shop.space.pk)
    assert shop.space.indexed_rows == 0


def test_finishing_indexes_and_measures_and_a_second_time_does_nothing(shop: Shop) -> None:
    shop.stock(**numbered(30))
    shop.embed()

    assert finish(shop.space.pk)
    done, built = shop.space, index_oid(shop.space)
    assert (done.indexed_rows, done.recall) == (30, 1.0)
    assert built is not None

    assert finish(shop.space.pk)
    assert index_oid(shop.space) == built


def test_a_space_that_doubled_gets_a_new_index(shop: Shop) -> None:
    shop.stock(**numbered(30))
    shop.embed()
    finish(shop.space.pk)
    built = index_oid(shop.space)

    shop.stock(**numbered(60))
    shop.embed()
    finish(shop.space.pk)

    assert index_oid(shop.space) not in {None, built}
    assert shop.space.indexed_rows == 60


def test_finishing_at_once_builds_one_index(committed_shop: Shop) -> None:
    committed_shop.stock(**numbered(60))
    committed_shop.embed()
    space = committed_shop.space

    assert at_once(3, lambda _: finish(space.pk)) == [True, True, True]

    assert index_oid(space) is not None
    assert committed_shop.space.indexed_rows == 60


def test_an_empty_space_is_finished_without_an_index(shop: Shop) -> None:
    assert finish(shop.space.pk)
    assert index_oid(shop.space) is None


def test_finishing_a_space_that_is_gone_does_nothing(shop: Shop) -> None:
    assert not finish(shop.space.pk + 1)


def test_a_deleted_space_takes_its_tables_and_claims_with_it(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    space = create_space(shop.catalog, model="fake", dimension=8)
    assert len(tables(space)) == 2
    staleness.claim(space, owner="w", after=0, limit=10)
    staleness.claim(shop.space, owner="w", after=0, limit=10)

    key = space.pk
    delete_space(space)

    assert tables(Space(pk=key)) == set()
    assert EmbeddingClaim.objects.filter(space=key).count() == 0
    assert EmbeddingClaim.objects.filter(space=shop.space).count() == 1
    assert not Space.objects.filter(pk=key).exists()
    assert lifecycle.active_space(shop.catalog.pk) == shop.space
