"""How similar products are blended is chosen by what users came to next."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.models import Catalog
from recommender.ranking.related import CONTENT_ALONE, Blend
from recommender.snapshot.snapshot import Snapshot
from recommender.training import fitting, related
from recommender.training.fitting import silent
from recommender.training.related import BLENDS, Moments
from recommender.training.splits import Split
from tests.recommender.training import planted


@pytest.fixture(scope="module")
def halfway() -> tuple[Snapshot, Split, Snapshot]:
    """All of a history, three fifths of it, and what these teach."""
    now = planted.snapshot(planted.interactions(users=200, events=16))
    split, then = planted.halfway(now)
    return now, split, fitting.fit(then)


@pytest.fixture(scope="module")
def ahead(halfway: tuple[Snapshot, Split, Snapshot]) -> Moments:
    now, split, then = halfway
    return related.moments(now.interactions, then, split)


def test_a_moment_is_the_last_product_before_and_the_first_that_followed(halfway, ahead):
    now, split, _ = halfway
    positive = now.interactions.positive()
    expected = set()
    for user in range(now.interactions.n_users):
        events = np.flatnonzero(positive.users == user)
        before = events[positive.times[events] < split.clock]
        after = events[positive.times[events] >= split.clock]
        if len(before) and len(after):
            pair = (int(positive.products[before[-1]]), int(positive.products[after[0]]))
            if pair[0] != pair[1]:
                expected.add(pair)
    assert len(ahead) > 100
    pairs = zip(ahead.seeds.tolist(), ahead.relevant.indices.tolist(), strict=True)
    assert set(pairs) == expected


def test_what_is_not_in_stock_is_not_to_be_listed(halfway):
    now, split, then = halfway
    available = np.arange(len(then.products)) % 2 == 0
    then = replace(then, products=replace(then.products, available=available))
    found = related.moments(now.interactions, then, split)
    assert available[found.relevant.indices].all()


def test_behaviour_is_blended_in_where_texts_tell_little(halfway, ahead):
    _, _, then = halfway
    noise = np.random.default_rng(1).normal(size=then.spaces[0].vectors.shape)
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    blind = replace(then.spaces[0], vectors=noise.astype(np.float32))
    measured = related.measure(replace(then, spaces=(blind, *then.spaces[1:])), ahead, silent)
    blend, lead = related.choose({one: accuracy.ndcg for one, accuracy in measured.items()})
    assert not blend.is_content_alone
    assert lead.low > 0
    assert measured[blend].ndcg.mean() > 2 * measured[CONTENT_ALONE].ndcg.mean()


def test_content_serves_alone_unless_a_blend_is_surely_better():
    random = np.random.default_rng(2)
    content = random.random(400)
    by_chance = {blend: random.permutation(content) for blend in BLENDS} | {CONTENT_ALONE: content}
    assert related.choose(by_chance)[0] == CONTENT_ALONE
    surely = by_chance | {BLENDS[3]: content + 0.1}
    assert related.choose(surely)[0] == BLENDS[3]


def test_too_few_moments_choose_content_and_say_so(halfway, ahead, shop):
    _, _, then = halfway
    shop.catalog.similar_blend = {"content": 1.0, "behaviour": 1.0}
    few = Moments(seeds=ahead.seeds[:19], relevant=ahead.relevant[:19])
    outcome = related.train(shop.catalog, then, few, silent)
    assert outcome.outcome == "skipped"
    assert "What 19 users came to next is known" in outcome.text
    assert Catalog.objects.get(pk=shop.catalog.pk).similar_blend == {}


def test_a_blend_needs_a_weight():
    for weights in ({}, {"content": -1.0}, {"behaviour": float("nan")}):
        with pytest.raises(ValueError, match="A blend has weights from 0 on"):
            Blend(**weights)
