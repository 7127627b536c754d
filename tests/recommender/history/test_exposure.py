from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from recommender.engine import backfill, batch
from recommender.history import exposure, popularity
from recommender.models import Catalog, EffectFigure, ProductPopularity
from tests.shop import DAY, NOON, Shop, event

YESTERDAY = (NOON - DAY).date()
LIST = UUID("01973e5e-0000-7000-8000-000000000000")


@pytest.fixture
def museum(db: None) -> Shop:
    """A shop whose now is its last event, with a product that lists show thrice as often as all."""
    museum = Shop.open("museum", clock=Catalog.Clock.LAST_EVENT)
    museum.stock(mug="Mug", tent="Tent", soap="Soap")
    show(museum, "mug", 81)
    show(museum, "tent", 0)
    return museum


def show(shop: Shop, product: str, impressions: int, day: date = YESTERDAY) -> None:
    EffectFigure.objects.create(
        catalog=shop.catalog,
        day=day,
        operation="popular",
        product_id=shop.product(product).pk,
        hours=0,
        impressions=impressions,
    )


def led(shop: Shop, user: str, *products: str, at: datetime = NOON) -> None:
    """A list led the user to these products."""
    shop.post(*(replace(event(user, product, at=at), rec_id=LIST) for product in products))


def row(shop: Shop, product: str) -> ProductPopularity:
    popularity.refresh(shop.catalog)
    return ProductPopularity.objects.get(product=shop.product(product))


def test_whom_only_a_list_led_there_counts_by_what_the_list_shows(museum: Shop) -> None:
    museum.visit("ann", "mug", "tent")
    led(museum, "bob", "mug", "tent", "soap")
    share = pytest.approx(1 + 1 / 3)
    mug = row(museum, "mug")
    assert (mug.recent, mug.total) == (share, share)
    assert (mug.week_users, mug.month_users, mug.quarter_users, mug.all_users) == (share,) * 4
    assert row(museum, "tent").week_users == 2, "no list shows it more than others"
    assert row(museum, "soap").week_users == 1


def test_who_came_by_themselves_too_counts_in_full_for_that(museum: Shop) -> None:
    museum.post(event("ann", "mug", at=NOON - 20 * DAY))
    museum.post(replace(event("ann", "mug", type="purchase", at=NOON), rec_id=LIST))
    mug, share = row(museum, "mug"), pytest.approx(1 / 3)
    assert mug.month_users == 1
    assert mug.week_users == share, "in the last seven days only a list led there"
    assert mug.total == pytest.approx(1 + (5 - 1) / 3), "a view of its own, a purchase by a list"


def test_only_whole_days_of_the_last_thirty_are_exposure(museum: Shop) -> None:
    for days in (0, 31):
        show(museum, "soap", 1_000_000, (NOON - days * DAY).date())
    led(museum, "bob", "mug", "soap")
    assert row(museum, "mug").all_users == pytest.approx(1 / 3)
    assert row(museum, "soap").all_users == 1


def test_what_was_popular_then_knows_what_was_shown_then(museum: Shop) -> None:
    led(museum, "bob", "mug", at=NOON - 5 * DAY)
    museum.visit("ann", "tent")
    then = backfill.popular(museum.catalog, 3, before=NOON - 4 * DAY)
    assert [(one.id, one.score) for one in then] == [("mug", 1.0)]
    now = backfill.popular(museum.catalog, 3, before=NOON + timedelta(seconds=1))
    assert [(one.id, one.score) for one in now] == [
        ("tent", 1.0),
        ("mug", pytest.approx(1 / 3)),
    ]


def test_statement_and_arrays_agree(museum: Shop) -> None:
    rng = np.random.default_rng(4)
    for day in range(40):
        for product in ("mug", "soap"):
            show(museum, product, int(rng.integers(0, 60)), (NOON - day * DAY).date())
    museum.visit("ann", "mug", "tent")
    led(museum, "bob", "mug", "tent", "soap")
    led(museum, "cat", "soap", at=NOON - 9 * DAY)
    popularity.refresh(museum.catalog)
    snapshot = batch.catalog_as_of(museum.catalog, None)
    for product in ("mug", "tent", "soap"):
        stored = ProductPopularity.objects.get(product=museum.product(product))
        (place,) = snapshot.products.rows(np.array([museum.product(product).pk]))
        counts = [float(users[place]) for users in snapshot.popularity.values()]
        assert counts == pytest.approx(
            [stored.week_users, stored.month_users, stored.quarter_users, stored.all_users]
        )


def test_what_no_list_has_shown_counts_in_full(museum: Shop) -> None:
    read = exposure.read(museum.catalog)
    keys = np.sort(np.array([museum.product(name).pk for name in ("mug", "tent", "soap")]))
    assert sorted(read.shares(keys, NOON.timestamp(), 3).tolist()) == [
        pytest.approx(1 / 3),
        1.0,
        1.0,
    ]
    assert read.shares(keys, NOON.timestamp() - 90 * 86_400, 3).tolist() == [1.0, 1.0, 1.0]


PRODUCTS, PLACES, SHOPPERS, ROUNDS = 30, 5, 60, 10


def test_the_rich_do_not_get_richer_for_being_shown(db: None) -> None:
    """A feedback loop: the five most popular are shown, and what is shown is what most come to.

    In the one shop events name the list that led to them; in the other they do not, and there the
    products of the first lists stay.
    """
    known, unknown = (
        [_loop(f"{kind}-{seed}", seed, names_list=kind == "known") for seed in range(3)]
        for kind in ("known", "unknown")
    )
    assert _mean(known) > _mean(unknown) + 0.1
    for damped, rich in zip(known, unknown, strict=True):
        assert damped.listed > rich.listed


def _mean(loops: list["Loop"]) -> float:
    return sum(loop.appeal for loop in loops) / len(loops)


@dataclass(frozen=True)
class Loop:
    appeal: float  # of what is listed in the end, as a share of what could be
    listed: int  # different products in ten days


def _loop(name: str, seed: int, *, names_list: bool) -> Loop:
    shop = Shop.open(name, clock=Catalog.Clock.LAST_EVENT)
    ids = [f"p{number:02}" for number in range(PRODUCTS)]
    shop.put(*({"id": key, "title": key} for key in ids))
    rng = np.random.default_rng(seed)
    appeal = dict(zip(ids, rng.permutation(np.linspace(0.1, 1, PRODUCTS)), strict=True))
    of_all = np.array(list(appeal.values())) / sum(appeal.values())
    first = rng.choice(ids, PLACES, replace=False)
    shop.post(*(event("founder", product, at=NOON - DAY) for product in first))
    seen: set[str] = set()
    for day in range(ROUNDS):
        popularity.refresh(shop.catalog)
        listed = [one.id for one in backfill.popular(shop.catalog, PLACES)]
        seen.update(listed)
        at = NOON + day * DAY
        rec_id = LIST if names_list else None
        events = []
        for shopper in range(SHOPPERS):
            user = f"u{day}-{shopper}"
            chosen = [product for product in listed if rng.random() < appeal[product] / 2]
            events += [replace(event(user, one, at=at), rec_id=rec_id) for one in chosen]
            events.append(event(user, str(rng.choice(ids, p=of_all)), at=at))
        shop.post(*events)
        for product in listed:
            show(shop, product, SHOPPERS, at.date())
    best = sorted(appeal.values())[-PLACES:]
    return Loop(sum(appeal[product] for product in listed) / sum(best), len(seen))
