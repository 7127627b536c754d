"""The gate of behaviour spaces, through the tables: what serves, and what the run says of it."""

from datetime import datetime

import numpy as np
import pytest

from recommender import database
from recommender.behaviour.fold_in import FoldIn
from recommender.models import Product, ProfileVector, Space, TrainingRun
from recommender.spaces import switching, trained
from recommender.spaces.staleness import TRAINED
from recommender.training import behaviour, run
from recommender.training.fitting import Outcome, silent
from tests.recommender.training import planted
from tests.shop import Shop, event

Status = Space.Status


def train(shop: Shop) -> Outcome:
    return behaviour.train(shop.catalog, run.present(shop.catalog), silent)


def versions(shop: Shop, status: str) -> list[str]:
    spaces = Space.objects.filter(catalog=shop.catalog, kind=Space.Kind.BEHAVIOUR, status=status)
    return sorted(map(str, spaces))


def treatment(shop: Shop, space: Space, product: str) -> str:
    """How a product came to its vector."""
    rows = database.fetch(
        "SELECT treatment FROM recommender_productvector WHERE space_id = %s AND product_id = %s",
        (space.pk, shop.product(product).pk),
    )
    return str(rows[0][0])


def has_trained(shop: Shop, outcome: Outcome) -> None:
    """A run as it is left after this step, and nothing else."""
    TrainingRun.objects.create(
        catalog=shop.catalog,
        status=TrainingRun.Status.DONE,
        steps=[{"name": "behaviour spaces", "figures": dict(outcome.figures)}],
    )


def foresee(shop: Shop, until: datetime) -> None:
    """Have versions serve that know each product's taste, and nothing else."""
    products = list(Product.objects.filter(catalog=shop.catalog))
    tastes = [planted.taste_of(product.external_id) for product in products]
    for name, metric, model in (
        ("als", "inner_product", "implicit-als"),
        ("svd", "cosine", "truncated-svd"),
    ):
        space = trained.store(
            shop.catalog,
            name,
            model=model,
            metric=metric,
            ids=np.array([product.pk for product in products]),
            vectors=np.eye(planted.TASTES, dtype=np.float32)[tastes],
            fold_in=FoldIn().to_bytes(),
            trained_until=until,
            prediction=None,
        )
        if space.status != Status.ACTIVE:
            switching.activate(space, force=True)


@pytest.fixture
def planted_shop(db: None) -> Shop:
    """Sixty days of sixty users who keep to their tastes."""
    shop = planted.open_shop()
    planted.visits(shop)
    return shop


def test_a_first_version_serves_with_its_profiles(planted_shop: Shop) -> None:
    outcome = train(planted_shop)

    assert outcome.outcome == "done"
    assert outcome.text == (
        "als@1 is the first version and serves. svd@1 is the first version and serves."
    )
    assert versions(planted_shop, Status.ACTIVE) == ["als@1", "svd@1"]
    for space in Space.objects.filter(kind=Space.Kind.BEHAVIOUR):
        with_profile = ProfileVector.objects.filter(space=space).values("user").distinct()
        assert with_profile.count() == 60


def test_with_too_few_new_events_the_old_version_goes_on_serving(planted_shop: Shop) -> None:
    train(planted_shop)
    for user in range(5):
        planted_shop.visit(f"u{user}", f"p{(user + 1) % 40}", at=planted.at(61))

    outcome = train(planted_shop)

    assert outcome.outcome == "kept"
    assert outcome.text.startswith("Fewer than 20 users came to new products since 2025-0")
    assert "too few to compare new ones by" in outcome.text
    assert versions(planted_shop, Status.ACTIVE) == ["als@1", "svd@1"]
    assert versions(planted_shop, Status.STANDBY) == []


@pytest.mark.slow
def test_a_version_that_does_better_on_the_last_days_replaces_the_old(db: None) -> None:
    shop = planted.open_shop()
    planted.visits(shop, by_taste=False)
    train(shop)
    planted.visits(shop, begin=planted.at(61), days=60, by_taste=True, seed=9)

    outcome = train(shop)

    assert outcome.outcome == "done"
    assert "als@2 serves: on the last days' new products of" in outcome.text
    for name in ("als", "svd"):
        figures = outcome.figures[name]
        assert figures["new"]["mean"] > figures["old"]["mean"]
    assert versions(shop, Status.ACTIVE) == ["als@2", "svd@2"]
    assert versions(shop, Status.STANDBY) == ["als@1", "svd@1"]


def test_a_version_that_does_worse_does_not_serve_and_it_is_said_why(db: None) -> None:
    shop = planted.open_shop()
    planted.visits(shop, by_taste=False)
    foresee(shop, until=planted.at(60))
    planted.visits(shop, begin=planted.at(61), days=12, by_taste=True, seed=9)

    outcome = train(shop)

    assert outcome.outcome == "kept"
    for name in ("als", "svd"):
        assert f"{name}@1 goes on serving: on the last days' new products of" in outcome.text
        figures = outcome.figures[name]
        assert figures["new"]["mean"] < figures["old"]["mean"]
        assert figures["users"] >= 20
    assert "so no new version was made" in outcome.text
    assert versions(shop, Status.ACTIVE) == ["als@1", "svd@1"]
    assert Space.objects.filter(kind=Space.Kind.BEHAVIOUR).count() == 2


def test_history_that_comes_in_late_is_learnt_from_though_nothing_can_be_judged(
    planted_shop: Shop,
) -> None:
    has_trained(planted_shop, train(planted_shop))
    planted.visits(planted_shop, days=50, users=60, events=4, seed=11)

    outcome = train(planted_shop)

    assert outcome.outcome == "done"
    assert outcome.text == "als@2 serves. svd@2 serves."


def test_with_too_little_history_it_is_skipped_and_said_why(shop: Shop) -> None:
    shop.stock(mug="Mug", tent="Tent")
    shop.post(event("ann", "mug"), event("ann", "tent"))

    outcome = train(shop)

    assert outcome.outcome == "skipped"
    assert outcome.text.startswith("There are 2 events of 1 users with 2 products")
    assert versions(shop, Status.ACTIVE) == []


def test_a_product_that_nobody_touched_is_predicted_and_marked(db: None) -> None:
    shop = planted.open_shop(products=80)
    planted.visits(shop, products=76, events=12)

    train(shop)

    space = Space.objects.get(catalog=shop.catalog, name="svd")
    assert treatment(shop, space, "p79") == trained.PREDICTED
    assert treatment(shop, space, "p0") == TRAINED
    assert trained.predict_missing(space) == 0, "all was done in training"
