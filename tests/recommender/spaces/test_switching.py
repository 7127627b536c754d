import pytest
from django.utils import timezone

from recommender import database
from recommender.models import Space
from recommender.spaces import index, staleness
from recommender.spaces.lifecycle import active_space, create_space, finish, retire
from recommender.spaces.partitions import SpaceError
from recommender.spaces.switching import activate, rollback
from tests.shop import Shop, numbered
from tests.threads import at_once, beside

Status = Space.Status


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Thirty products, embedded and indexed."""
    shop.stock(**numbered(30))
    shop.embed()
    assert finish(shop.space.pk)
    return shop


def version(shop: Shop, *, dimension: int = 32, output: str = "dense") -> Space:
    """A second version with all of its vectors and its index."""
    space = create_space(shop.catalog, model="fake", dimension=dimension, output=output)
    shop.embed(space)
    assert finish(space.pk)
    return space


def statuses(shop: Shop) -> list[str]:
    """Of every version of `text`, the first version first."""
    versions = Space.objects.filter(catalog=shop.catalog, name="text")
    return list(versions.order_by("version").values_list("status", flat=True))


def test_a_finished_version_serves_and_the_one_before_stands_by(shop: Shop) -> None:
    second = version(shop)
    before = timezone.now()

    activate(second)

    assert statuses(shop) == [Status.STANDBY, Status.ACTIVE]
    assert shop.space == second
    assert shop.space.activated_at is not None
    assert shop.space.activated_at >= before


def test_a_version_that_lacks_vectors_is_refused_and_says_how_many(shop: Shop) -> None:
    second = version(shop)
    shop.stock(late="Desk lamp", later="Floor lamp")

    with pytest.raises(SpaceError, match="no vector yet for 2 of 32 products"):
        activate(second)

    assert statuses(shop) == [Status.ACTIVE, Status.BUILDING]


def test_a_refusal_says_why_embedding_is_paused(shop: Shop) -> None:
    second = create_space(shop.catalog, model="fake")
    Space.objects.filter(pk=second.pk).update(paused_reason="The budget is spent.")

    with pytest.raises(SpaceError, match="Embedding is paused: The budget is spent"):
        activate(second)


def test_a_changed_title_does_not_keep_a_version_from_serving(shop: Shop) -> None:
    """A busy shop always has some product that was changed this second."""
    second = version(shop)
    shop.stock(p1="Another title")
    assert staleness.count(second) == 1

    activate(second)

    assert shop.space == second


def test_a_version_without_its_index_is_refused(shop: Shop) -> None:
    second = create_space(shop.catalog, model="fake", dimension=32)
    shop.embed(second)
    assert index.is_due(second)

    with pytest.raises(SpaceError, match="no index yet"):
        activate(second)

    finish(second.pk)
    activate(second)
    assert shop.space == second


def test_force_overrides_what_is_lacking_but_not_that_it_is_retired(shop: Shop) -> None:
    second = create_space(shop.catalog, model="fake", dimension=32)
    third = create_space(shop.catalog, model="fake", dimension=32)
    retire(third)

    activate(second, force=True)
    assert shop.space == second

    with pytest.raises(SpaceError, match="text@3 is retired"):
        activate(third, force=True)
    assert shop.space == second


def test_what_serves_already_and_what_only_has_sparse_vectors_is_refused(shop: Shop) -> None:
    with pytest.raises(SpaceError, match="text@1 serves already"):
        activate(shop.space, force=True)
    sparse = create_space(shop.catalog, model="fake", output="sparse")

    with pytest.raises(SpaceError, match="sparse vectors only"):
        activate(sparse, force=True)
    assert statuses(shop) == [Status.ACTIVE, Status.BUILDING]


def test_an_empty_catalog_can_switch(shop: Shop) -> None:
    empty = Shop.open("empty")
    second = create_space(empty.catalog, model="fake", dimension=32)

    activate(second)

    assert empty.space == second


def test_a_rollback_brings_back_what_served_before_and_a_second_one_undoes_it(shop: Shop) -> None:
    first, second = shop.space, version(shop)
    activate(second)

    assert rollback(shop.catalog) == first
    assert statuses(shop) == [Status.ACTIVE, Status.STANDBY]
    assert rollback(shop.catalog) == second
    assert statuses(shop) == [Status.STANDBY, Status.ACTIVE]


def test_of_three_versions_the_one_that_served_last_comes_back(shop: Shop) -> None:
    second, third = version(shop), version(shop, dimension=16)
    activate(second)
    activate(third)

    assert rollback(shop.catalog) == second
    assert statuses(shop) == [Status.STANDBY, Status.ACTIVE, Status.STANDBY]


def test_a_rollback_takes_place_though_products_changed_meanwhile(shop: Shop) -> None:
    first, second = shop.space, version(shop)
    activate(second)
    shop.stock(late="Desk lamp")
    shop.embed()

    rollback(shop.catalog)

    assert shop.space == first
    assert staleness.count(first) == 1, "it is not found to be embedded"


def test_there_is_nothing_to_go_back_to_before_a_switch_or_after_retiring(shop: Shop) -> None:
    with pytest.raises(SpaceError, match="no version of 'text' to go back to"):
        rollback(shop.catalog)
    first, second = shop.space, version(shop)
    activate(second)
    retire(first)

    with pytest.raises(SpaceError, match="or it is retired"):
        rollback(shop.catalog)
    assert shop.space == second


def test_other_names_and_catalogs_are_not_touched(shop: Shop) -> None:
    picture = create_space(shop.catalog, name="picture", model="fake")
    other = Shop.open("other")
    activate(version(shop))

    assert active_space(shop.catalog.pk, "picture") == picture
    assert str(other.space) == "text@1"


def test_who_looks_while_it_is_switched_sees_one_version_or_the_other(
    committed_shop: Shop,
) -> None:
    second = create_space(committed_shop.catalog, model="fake", dimension=32)
    first = committed_shop.space

    seen = beside(lambda: committed_shop.space, holding=lambda: activate(second))

    assert seen == first
    assert committed_shop.space == second


def test_switches_at_once_leave_one_version_that_serves(committed_shop: Shop) -> None:
    spaces = [create_space(committed_shop.catalog, model="fake") for _ in range(3)]

    at_once(3, lambda number: activate(spaces[number]))

    assert sorted(statuses(committed_shop)) == [Status.ACTIVE] + 3 * [Status.STANDBY]


def test_what_is_told_of_a_switch_is_said_by_one_transaction(committed_shop: Shop) -> None:
    second = create_space(committed_shop.catalog, model="fake")
    query = "SELECT xmin::text FROM recommender_space WHERE catalog_id = %s"

    activate(second)

    written = {row[0] for row in database.fetch(query, (committed_shop.catalog.pk,))}
    assert len(written) == 1
