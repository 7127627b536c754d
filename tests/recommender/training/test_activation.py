from recommender.models import Mode, Ranker
from recommender.training import activation
from tests.shop import NOON, Shop


def ranker(shop: Shop, mode: str, *, is_active: bool = False) -> Ranker:
    return Ranker.objects.create(
        catalog=shop.catalog,
        mode=mode,
        kind="blend",
        model=b"",
        is_active=is_active,
        trained_until=NOON,
    )


def active(shop: Shop) -> set[Ranker]:
    return set(Ranker.objects.filter(catalog=shop.catalog, is_active=True))


def test_the_one_that_served_makes_room_in_its_mode_only(shop: Shop) -> None:
    before, older = ranker(shop, Mode.NEW, is_active=True), ranker(shop, Mode.NEW)
    other_mode = ranker(shop, Mode.ALL, is_active=True)

    activation.activate(older)
    activation.activate(older)

    assert active(shop) == {older, other_mode}
    assert older.is_active
    assert Ranker.objects.filter(pk=before.pk).exists()
