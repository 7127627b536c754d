from recommender.models import Space
from recommender.profiles.builder import note_new_vectors
from recommender.spaces.lifecycle import create_space, finish
from recommender.spaces.switching import backlogs
from tests.shop import Shop


def test_the_backlog_falls_from_products_over_the_index_to_nothing(shop: Shop) -> None:
    assert [backlog.done for backlog in backlogs(shop.catalog)] == [True]

    shop.stock(mug="Blue mug", lamp="Desk lamp")
    (backlog,) = backlogs(shop.catalog)
    assert (backlog.products, backlog.done) == (2, False)

    shop.embed()
    (backlog,) = backlogs(shop.catalog)
    assert (backlog.products, backlog.unfinished, backlog.done) == (0, True, False)

    finish(shop.space.pk)
    (backlog,) = backlogs(shop.catalog)
    assert backlog.unfinished, "the profiles do not follow the vectors yet"

    note_new_vectors(shop.space.pk)
    (backlog,) = backlogs(shop.catalog)
    assert backlog.done


def test_products_that_have_nothing_to_embed_do_not_keep_it_waiting(shop: Shop) -> None:
    shop.stock(blank="")
    shop.embed()
    finish(shop.space.pk)
    note_new_vectors(shop.space.pk)

    assert [backlog.done for backlog in backlogs(shop.catalog)] == [True]


def test_every_living_space_has_a_backlog_and_a_retired_one_none(shop: Shop) -> None:
    shop.stock(mug="Blue mug")
    retired = create_space(shop.catalog, model="fake", dimension=8)
    building = create_space(shop.catalog, model="fake", dimension=8)
    Space.objects.filter(pk=retired.pk).update(status=Space.Status.RETIRED)

    assert {(b.space, b.products) for b in backlogs(shop.catalog)} == {
        (shop.space, 1),
        (building, 1),
    }
