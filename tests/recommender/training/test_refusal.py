"""Planted tastes: a shopper who turned down two colours of a thing is not given a third first."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.behaviour.interactions import Interactions
from recommender.engine.pipeline import Pipeline
from recommender.engine.snapshot_store import SnapshotStore, SnapshotUser
from recommender.models import Catalog, Mode
from recommender.ranking.ranker import FusionRanker, Ranker
from recommender.snapshot.snapshot import Snapshot, SpaceArrays
from recommender.training import training_examples
from recommender.training.backtest import fit_recommender
from recommender.training.fitting import silent
from tests.recommender.training import planted

pytestmark = pytest.mark.slow

KINDS, COLOURS, USERS, EVENTS = 12, 5, 160, 8
PRODUCTS = KINDS * COLOURS
MUG, LAMP = 0, 1
BLUE, GREEN, BLACK = 0, 1, 2
REFUSER, NEUTRAL = USERS, USERS + 1


def thing(kind: int, colour: int) -> int:
    return kind * COLOURS + colour


def texts() -> SpaceArrays:
    """What says the same of all colours of a thing, nearly."""
    random = np.random.default_rng(2)
    vectors = np.repeat(np.eye(KINDS, 24), COLOURS, axis=0) + random.normal(0, 0.1, (PRODUCTS, 24))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return SpaceArrays(
        kind="text", name="text", metric="cosine", vectors=vectors.astype(np.float32)
    )


def history() -> Interactions:
    """Kinds go in pairs: whoever has mugs has lamps, the black one most of all.

    Nobody turns anything down, but for one of two shoppers who both have two mugs.
    """
    random = np.random.default_rng(5)
    rows: list[tuple[float, int, int, float]] = []
    for user in range(USERS):
        pair = 2 * (user % (KINDS // 2))
        shares = np.array([0.1, 0.1, 0.6, 0.1, 0.1])
        for _ in range(EVENTS):
            product = thing(pair + int(random.integers(2)), int(random.choice(COLOURS, p=shares)))
            rows.append((random.uniform(0, 100), user, product, 1.0))
    for user in (REFUSER, NEUTRAL):
        rows += [(90.0 + colour, user, thing(MUG, colour), 1.0) for colour in (BLUE, GREEN)]
    rows += [(95.0 + colour, REFUSER, thing(LAMP, colour), -1.0) for colour in (BLUE, GREEN)]
    days, users, products, weights = zip(*sorted(rows), strict=True)
    return Interactions(
        users=np.array(users, dtype=np.int32),
        products=np.array(products, dtype=np.int32),
        weights=np.array(weights, dtype=np.float32),
        times=planted.START + planted.DAY_SECONDS * np.array(days),
        n_users=USERS + 2,
        n_products=PRODUCTS,
    )


@pytest.fixture(scope="module")
def learnt() -> tuple[Snapshot, Ranker]:
    now = replace(planted.snapshot(history()), spaces=(texts(),))
    source = fit_recommender(Catalog(name="colours"), now, Mode.NEW, silent)
    return source.snapshot, source.ranker


def listed(now: Snapshot, ranker: Ranker, user: int) -> list[int]:
    store = SnapshotStore(now, now.products.available, lists_own=False)
    excluded = training_examples.excluded(now, user, Mode.NEW)
    (context,) = store.contexts([SnapshotUser(user, excluded)])
    candidates = Pipeline(store, 10).candidates(context)
    rows = now.products.rows(candidates.table.products)
    return rows[np.argsort(-ranker.score(candidates.table), kind="stable")].tolist()


@pytest.mark.parametrize("fuses", [False, True], ids=["learnt", "fusion"])
def test_who_turned_down_two_colours_is_not_given_the_third_first(
    learnt: tuple[Snapshot, Ranker], fuses: bool
) -> None:
    now, ranker = learnt
    ranker = FusionRanker() if fuses else ranker

    refused, neutral = (listed(now, ranker, user) for user in (REFUSER, NEUTRAL))

    assert neutral.index(thing(LAMP, BLACK)) < 3, "it is what goes with mugs"
    assert [product // COLOURS for product in refused[:3]] == [MUG] * 3
