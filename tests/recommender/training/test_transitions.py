"""Histories in which one product leads to another: lists go on where the user stands."""

import numpy as np
import pytest

from recommender.behaviour.interactions import Interactions
from recommender.engine.pipeline import Pipeline
from recommender.engine.snapshot_store import SnapshotStore, SnapshotUser
from recommender.models import Catalog, Mode, ProductNeighbor, TrainingRun
from recommender.training import run
from recommender.training.backtest import fit_recommender
from recommender.training.fitting import silent
from tests.recommender.training import planted

pytestmark = pytest.mark.slow

PRODUCTS, USERS, EVENTS, FOLLOWING = 60, 240, 10, 0.8


def journeys() -> Interactions:
    """Every user goes from product to product: of ten steps eight are to the one that follows it.

    Which that is, is drawn: neither texts nor what users have in common tell.
    """
    random = np.random.default_rng(7)
    follower = random.permutation(PRODUCTS)
    users, products, times = [], [], []
    for user in range(USERS):
        product = int(random.integers(PRODUCTS))
        for moment in np.sort(random.uniform(0, 100, EVENTS)):
            users.append(user)
            products.append(product)
            times.append(planted.START + moment * planted.DAY_SECONDS)
            follows = random.random() < FOLLOWING
            product = int(follower[product]) if follows else int(random.integers(PRODUCTS))
    order = np.argsort(times, kind="stable")
    return Interactions(
        users=np.array(users, dtype=np.int32)[order],
        products=np.array(products, dtype=np.int32)[order],
        weights=np.ones(len(users), dtype=np.float32),
        times=np.array(times)[order],
        n_users=USERS,
        n_products=PRODUCTS,
    )


def test_the_product_that_follows_the_last_one_is_listed_first() -> None:
    whole = journeys()
    follower = np.random.default_rng(7).permutation(PRODUCTS)
    now = planted.snapshot(whole)
    source = fit_recommender(Catalog(name="journeys"), now, Mode.ALL, silent, "last")

    store = SnapshotStore(source.snapshot, now.products.available, lists_own=True)
    pipeline = Pipeline(store, 5)
    nothing = np.zeros(0, dtype=np.int64)
    users = [SnapshotUser(user, nothing) for user in range(USERS)]
    firsts, by_source = [], []
    for user, context in enumerate(store.contexts(users)):
        last = whole.products[now.events_of(user, 1)[0]]
        candidates = pipeline.candidates(context)
        rows = now.products.rows(candidates.table.products)
        scores = source.ranker.score(candidates.table)
        firsts.append(rows[np.argsort(-scores)[:3]].tolist().count(follower[last]))
        by_source.append(rows[candidates.table["next:last"].argmax()] == follower[last])

    assert np.mean(by_source) > 0.95
    assert np.mean(firsts) > 0.7


def test_where_times_tell_no_order_it_is_said_and_nothing_stored(db: None) -> None:
    shop = planted.open_shop()
    planted.visits(shop, days=0.0)
    made = TrainingRun.objects.create(catalog=shop.catalog, status=TrainingRun.Status.RUNNING)

    run.train(shop.catalog, made, silent)

    made.refresh_from_db()
    told = {step["name"]: step["text"] for step in made.steps}["co-occurrence"]
    assert "No user has events of more than one time" in told
    kinds = ProductNeighbor.objects.filter(catalog=shop.catalog).values_list("kind", flat=True)
    assert set(kinds) == {"together", "ease"}
