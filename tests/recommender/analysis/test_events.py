"""Bots, crowds, rings and bursts among the sample store's shoppers."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.analysis import activity, event_anomalies, event_groups
from recommender.analysis.activity import Events
from recommender.demo.products import load_products
from recommender.demo.shoppers import simulate

END = datetime(2026, 1, 22, tzinfo=UTC)
LAST = END.timestamp()
DAY = 86_400
SHOPPERS, PRODUCTS = 200, 413


class Log:
    """Events in any order, to be added to."""

    def __init__(self) -> None:
        self.rows: list[tuple[int, int, float, bool]] = []

    def add(self, user: int, products: object, times: object, *, bought: bool = False) -> None:
        at = np.asarray(times, dtype=float)
        of = np.broadcast_to(np.asarray(products), at.shape)
        self.rows += [(user, int(p), float(t), bought) for p, t in zip(of, at, strict=True)]

    def events(self) -> Events:
        users, products, times, bought = map(np.array, zip(*self.rows, strict=True))
        order = np.lexsort((times, users))
        return Events(users[order], products[order], times[order], bought[order])


@pytest.fixture(scope="module")
def shoppers() -> list[tuple[int, int, float, bool]]:
    products = load_products()
    places = {one["id"]: place for place, one in enumerate(products)}
    users: dict[str, int] = {}
    return [
        (
            users.setdefault(one.user, len(users)),
            places[one.product],
            one.at.timestamp(),
            one.type == "purchase",
        )
        for one in simulate(products, seed=7, end=END)
    ]


@pytest.fixture
def log(shoppers) -> Log:
    made = Log()
    made.rows = list(shoppers)
    return made


def found(log: Log) -> dict[int, event_anomalies.Suspect]:
    did, _ = activity.summarise([log.events()])
    return {one.user: one for one in event_anomalies.suspects(did)}


def test_of_customers_nobody_is_suspected(log):
    did, cells = activity.summarise([log.events()])
    assert event_anomalies.suspects(did) == []
    assert event_groups.rings(cells) == []
    assert event_groups.bursts(cells) == []


@pytest.mark.parametrize("seconds", [0.5, 2.0, 60.0, 600.0])
def test_a_program_with_a_rhythm_is_a_scraper(log, seconds):
    source = np.random.default_rng(0)
    log.add(900, source.integers(0, PRODUCTS, 300), LAST - 9 * DAY + seconds * np.arange(300))
    (one,) = found(log).values()
    assert (one.user, one.kind) == (900, "scraper")
    assert any("as a program's" in reason for reason in one.reasons)
    assert "no purchase among 300 events" in one.reasons


def test_a_patient_scraper_is_told_by_breadth_and_by_buying_nothing(log):
    source = np.random.default_rng(0)
    times = np.sort(LAST - source.uniform(0, 20 * DAY, PRODUCTS))
    log.add(900, source.permutation(PRODUCTS), times)
    one = found(log)[900]
    assert one.kind == "scraper"
    assert f"{PRODUCTS} different products" in " ".join(one.reasons)


def test_a_keen_customer_who_buys_is_left_alone(log):
    source = np.random.default_rng(0)
    for visit in range(30):
        times = LAST - visit * DAY + np.sort(source.uniform(0, 2_000, 12))
        log.add(900, source.integers(0, 40, 12), times)
        log.add(900, [visit % 40], [times[-1] + 60], bought=True)
    assert 900 not in found(log)


def test_a_product_that_one_user_hammers_is_told(log):
    times = LAST - 8 * DAY + np.random.default_rng(0).exponential(30, 60).cumsum()
    log.add(900, 99, times)
    one = found(log)[900]
    assert one.kind == "hammering"
    assert "60 events with one product in a day" in " ".join(one.reasons)


def test_an_account_of_many_people_is_told(log, shoppers):
    for user, product, at, bought in shoppers:
        if user % 3 == 0:
            log.add(900, product, [at + 40 * user], bought=bought)
    one = found(log)[900]
    assert one.kind == "shared-account"
    assert len(found(log)) == 1


def test_users_in_lockstep_are_a_ring_and_none_else(log):
    source = np.random.default_rng(0)
    for user in range(900, 908):
        for day in (9, 6, 2):
            log.add(user, [3, 77, 150, 200], LAST - day * DAY + source.uniform(0, 20_000, 4))
    _, cells = activity.summarise([log.events()])
    (ring,) = event_groups.rings(cells)
    assert set(ring.users) == set(range(900, 908))
    assert ring.products == (3, 77, 150, 200)
    assert ring.likeness > 0.5


def test_a_burst_is_told_with_those_who_did_nothing_else(log):
    source = np.random.default_rng(0)
    for user in range(900, 950):
        log.add(user, [42], LAST - 5 * DAY + source.uniform(0, 3_600, 1))
    # A customer on the same day has done more than that.
    log.add(0, [42], [LAST - 5 * DAY + 10])
    _, cells = activity.summarise([log.events()])
    (burst,) = event_groups.bursts(cells)
    assert (burst.product, set(burst.users)) == (42, set(range(900, 950)))
    assert burst.events >= 51
    assert burst.usual < 2


def test_a_day_that_is_busy_for_all_products_is_no_burst(log):
    for user in range(900, 1_400):
        log.add(user, [user % PRODUCTS, (user * 7) % PRODUCTS], [LAST - 3 * DAY] * 2)
    _, cells = activity.summarise([log.events()])
    assert event_groups.bursts(cells) == []


def test_parts_add_up_to_the_whole(log):
    events = log.events()
    cut = int(np.searchsorted(events.users, 77))
    names = ("users", "products", "times", "is_purchase")
    parts = [
        Events(*(getattr(events, name)[part] for name in names))
        for part in (slice(0, cut), slice(cut, cut), slice(cut, None))
    ]
    for whole, joined in zip(activity.summarise([events]), activity.summarise(parts), strict=True):
        for name in whole.__dataclass_fields__:
            assert np.array_equal(getattr(whole, name), getattr(joined, name), equal_nan=True)


def test_of_nothing_nothing_is_found():
    did, cells = activity.summarise([])
    assert event_anomalies.suspects(did) == []
    assert event_groups.rings(cells) == []
    assert event_groups.bursts(cells) == []


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 3), st.floats(0, 1e6), st.booleans()),
        min_size=1,
        max_size=40,
    )
)
def test_counts_are_those_of_the_events(rows):
    log = Log()
    log.rows = rows
    did, cells = activity.summarise([log.events()])
    for row, user in enumerate(did.users):
        own = [one for one in rows if one[0] == user]
        assert did.events[row] == len(own)
        assert did.products[row] == len({one[1] for one in own})
        assert did.purchases[row] == sum(one[3] for one in own)
        hours = [int(one[2] // 3600) for one in own]
        assert did.busiest_hour[row] == max(map(hours.count, hours))
        assert did.awake[row] == max(
            len({h for h in hours if h * 3600 // DAY == day}) for day in range(13)
        )
    assert cells.events.sum() == len(rows)
    assert cells.purchases.sum() == sum(one[3] for one in rows)
    assert (cells.purchases <= cells.events).all()


@pytest.mark.parametrize("seed", range(3))
def test_of_bots_of_three_kinds_nine_in_ten_are_found_and_nine_in_ten_found_are_bots(log, seed):
    source = np.random.default_rng(seed)
    bots = set()
    for user in range(900, 905):  # scrapers with a rhythm
        steps = source.uniform(1, 20) * source.uniform(0.9, 1.1, 150)
        log.add(user, source.integers(0, PRODUCTS, 150), LAST - 20 * DAY + steps.cumsum())
        bots.add(user)
    for user in range(910, 915):  # patient ones, that go through all that there is
        times = np.sort(LAST - source.uniform(0, 30 * DAY, PRODUCTS))
        log.add(user, source.permutation(PRODUCTS), times)
        bots.add(user)
    clicked = source.choice(PRODUCTS, 4, replace=False)
    for user in range(920, 930):  # a ring
        for day in (11, 7, 3):
            log.add(user, clicked, LAST - day * DAY + source.uniform(0, 20_000, 4))
        bots.add(user)
    did, cells = activity.summarise([log.events()])
    told = {one.user for one in event_anomalies.suspects(did)}
    told |= {user for ring in event_groups.rings(cells) for user in ring.users}
    told |= {user for burst in event_groups.bursts(cells) for user in burst.users}
    assert len(told & bots) / len(bots) >= 0.9
    assert len(told & bots) / len(told) >= 0.9
