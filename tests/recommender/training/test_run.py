"""A training from beginning to end, and what catalogs with hardly any history get of it."""

from collections.abc import Iterator

import numpy as np
import pytest
from pytest_django.plugin import DjangoDbBlocker

from recommender.catalog import catalogs
from recommender.engine import batch
from recommender.engine.answer import Query
from recommender.engine.candidates import Candidates
from recommender.engine.pipeline import Pipeline
from recommender.engine.postgres_store import PostgresStore
from recommender.engine.recommend import recommend
from recommender.engine.related import learnt_blend, similar
from recommender.engine.stored import find_user
from recommender.models import Mode, ProductNeighbor, ProductPopularity, Ranker, Space, TrainingRun
from recommender.ranking.ranker import FusionRanker
from recommender.ranking.related import CONTENT_ALONE
from recommender.snapshot.snapshot import Snapshot
from recommender.training import run, splits
from recommender.training.fitting import Outcome, silent
from recommender.training.run import Past, learn_ranker, train_ranker
from tests.recommender.training import planted
from tests.recommender.training.planted import STEPS
from tests.shop import DAY, NOON, Shop, event, numbered

pytestmark = pytest.mark.slow

NEW = Query(count=10)


def train(shop: Shop) -> dict[str, tuple[str, str]]:
    """Of each step its outcome and the reason."""
    made = TrainingRun.objects.create(catalog=shop.catalog, status=TrainingRun.Status.RUNNING)
    run.train(shop.catalog, made, silent)
    made.refresh_from_db()
    assert made.status == TrainingRun.Status.DONE
    assert made.finished_at is not None
    assert all(step["seconds"] >= 0 for step in made.steps)
    return {step["name"]: (step["outcome"], step["text"]) for step in made.steps}


def listed(shop: Shop, user: str, query: Query = NEW) -> list[str]:
    """What a user gets live."""
    return [item.id for item in recommend(shop.catalog, user, query).items]


def in_batch(shop: Shop, user: str, query: Query = NEW) -> list[str]:
    (answer,) = batch.recommend_many(batch.serving(shop.catalog, query), iter([user]), query)
    return [item.id for item in answer.items]


def candidates(shop: Shop, user: str, query: Query) -> Candidates:
    """A user's, live."""
    stored_user = find_user(shop.catalog, user, query)
    assert stored_user is not None
    store = PostgresStore(catalog=shop.catalog, user=stored_user, query=query)
    return Pipeline(store, query.count).candidates(store.context())


def of_taste(products: list[str], user: int) -> float:
    """The share of the products that are of a user's taste; a quarter by chance."""
    right = [planted.taste_of(product) == user % planted.TASTES for product in products]
    return sum(right) / len(right)


@pytest.fixture(scope="module")
def once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Shop]:
    """A shop that was trained: it takes seconds. p56 to p59 were never touched."""
    with django_db_blocker.unblock():
        shop = planted.open_shop(products=60)
        planted.visits(shop, users=48, products=56, events=8)
        train(shop)
        yield shop
        catalogs.delete_catalog(shop.catalog)


@pytest.fixture
def planted_shop(once: Shop, db: None) -> Shop:
    """The same, and what a test does with it is rolled back."""
    return once


def test_every_step_is_done_in_order_and_what_it_made_serves(planted_shop: Shop) -> None:
    (made,) = TrainingRun.objects.all()

    assert [step["name"] for step in made.steps] == STEPS
    assert {step["outcome"] for step in made.steps} == {"done"}
    catalog = planted_shop.catalog
    assert Space.objects.filter(catalog=catalog, kind="behaviour", status="active").count() == 2
    assert ProductPopularity.objects.filter(catalog=catalog).count() == 56
    for kind in ProductNeighbor.OF_TASTE:
        assert ProductNeighbor.objects.filter(catalog=catalog, kind=kind).exists()
    active = Ranker.objects.filter(catalog=catalog, is_active=True)
    assert sorted(active.values_list("mode", flat=True)) == ["all", "new"]
    assert made.steps[-1]["text"].startswith("Learnt by windows: ")
    for user in (0, 1, 2, 3):
        for products in (listed(planted_shop, f"u{user}"), in_batch(planted_shop, f"u{user}")):
            assert of_taste(products[:5], user) >= 0.8


def test_similar_products_follow_what_users_did_where_texts_tell_nothing(
    planted_shop: Shop,
) -> None:
    planted_shop.catalog.refresh_from_db()
    assert not learnt_blend(planted_shop.catalog, NEW).is_content_alone
    for product in ("p0", "p5", "p10"):
        answer = similar(planted_shop.catalog, product, NEW)
        near = [item.id for item in answer.items]
        assert len(near) == 10
        assert product not in near
        assert of_taste(near[:8], planted.taste_of(product)) >= 0.8
        assert {item.cause.event for item in answer.items if item.cause} == {"seed"}
    # Of a past day nothing that was learnt later counts, nor where nobody wants it to.
    past = similar(planted_shop.catalog, "p0", Query(count=10, before=NOON + DAY))
    alone = similar(planted_shop.catalog, "p0", NEW, CONTENT_ALONE)
    assert [item.id for item in past.items] == [item.id for item in alone.items]
    assert {name for item in past.items for name in item.contributions} == {"text"}


def test_the_run_says_of_which_time_its_history_is(planted_shop: Shop) -> None:
    (made,) = TrainingRun.objects.all()
    spaces = Space.objects.filter(kind="behaviour")
    assert {space.trained_until for space in spaces} == {made.trained_until}
    assert NOON < made.trained_until < planted.at(60.1)


def test_a_catalog_with_ten_events_is_told_what_it_lacks_and_still_has_lists(shop: Shop) -> None:
    shop.stock(**numbered(20))
    shop.embed()
    shop.post(*(event(f"u{n % 5}", f"p{n}", at=NOON + n * DAY) for n in range(10)))

    steps = train(shop)

    for name in set(STEPS) - {"popularity"}:
        outcome, text = steps[name]
        assert outcome == "skipped"
        assert text.startswith("There are 10 events of 5 users with 10 products; at least 100")
    assert steps["popularity"][0] == "done"
    for user in ("u0", "u4", "nobody"):
        assert len(set(listed(shop, user))) == len(set(in_batch(shop, user))) == 10
    # A mug and a lamp were viewed, of four kinds that there are.
    assert int(listed(shop, "u0")[0].removeprefix("p")) % 4 in {0, 1}


def test_a_catalog_without_events_or_products_is_trained_without_a_word_of_error(
    shop: Shop,
) -> None:
    steps = train(shop)

    assert list(steps) == STEPS
    assert {name for name, (outcome, _) in steps.items() if outcome == "skipped"} == {*STEPS} - {
        "popularity"
    }
    assert in_batch(shop, "nobody") == listed(shop, "nobody") == []


# Of catalogs that give a method little to hold on to: the products, and who had which.
ODD = {
    "one purchase each": (40, [(user, user * user % 40) for user in range(150)]),
    "hardly more than one each": (
        40,
        [(user % 150, user * user % 37) for user in range(158)],
    ),
    "one product": (1, [(user, 0) for user in range(120)]),
    "one user": (40, [(0, n % 30) for n in range(120)]),
    "equal histories": (40, [(user, product) for user in range(12) for product in range(12)]),
    "all had all": (12, [(user, product) for user in range(12) for product in range(12)]),
}


@pytest.mark.parametrize("type_", ["purchase", "view"])
@pytest.mark.parametrize(("products", "pairs"), ODD.values(), ids=ODD.keys())
def test_an_odd_catalog_is_trained_to_the_end_and_lists_what_there_is(
    shop: Shop, products: int, pairs: list[tuple[int, int]], type_: str
) -> None:
    shop.stock(**numbered(products))
    shop.post(
        *(
            event(f"u{user}", f"p{product}", type=type_, at=NOON + place * DAY / 10)
            for place, (user, product) in enumerate(pairs)
        )
    )

    steps = train(shop)

    assert list(steps) == STEPS
    for outcome, text in steps.values():
        assert outcome in ("done", "skipped")
        assert text
        assert "cannot be learnt" not in text
    had = {f"p{product}" for user, product in pairs if not user}
    for listing in (listed, in_batch):
        assert len(set(listing(shop, "nobody"))) == min(10, products)
        new = listing(shop, "u0")
        assert len(set(new)) == min(10, products - len(had))
        assert not had & set(new)
        assert listing(shop, "u0", Query(count=10, exclude=frozenset()))


def test_where_times_are_only_an_order_last_events_teach_and_nothing_is_recent(shop: Shop) -> None:
    shop.stock(**numbered(40))
    # u0 has by far the longest history: windows would see nobody else.
    shop.post(
        *(
            event(
                f"u{user}", f"p{(user * 3 + place) % 20 + 20 * (user > 0)}", at=NOON - place * DAY
            )
            for user in range(30)
            for place in range(6 if user else 200)
        )
    )

    steps = train(shop)

    assert "Learnt by last: the events of each user are 1 day apart" in steps["ranker"][1]
    assert "over all of time" in steps["popularity"][1]
    rows = ProductPopularity.objects.filter(catalog=shop.catalog)
    assert all(row.week_users == row.quarter_users == row.all_users for row in rows)
    live, batched = (listing(shop, "nobody") for listing in (listed, in_batch))
    assert live == batched
    assert all(int(product.removeprefix("p")) >= 20 for product in live), "what most users had"


def test_a_step_that_a_history_is_too_odd_for_is_skipped_with_its_reason(shop: Shop) -> None:
    made = TrainingRun.objects.create(catalog=shop.catalog, status=TrainingRun.Status.RUNNING)

    def step() -> Outcome:
        raise np.linalg.LinAlgError("Singular matrix")

    run.record(made, "ranker", step, lambda: None)

    made.refresh_from_db()
    (recorded,) = made.steps
    assert recorded["outcome"] == "skipped"
    assert "LinAlgError: Singular matrix" in recorded["text"]


@pytest.mark.parametrize("taste", range(planted.TASTES))
def test_a_user_newer_than_the_training_with_one_event_is_recommended_by_behaviour(
    planted_shop: Shop, taste: int
) -> None:
    planted_shop.visit("newcomer", f"p{40 + taste}", at=planted.at(62))

    answer = recommend(planted_shop.catalog, "newcomer", NEW)
    assert answer.fallback is None
    assert {item.source for item in answer.items} & {"behaviour", "together", "ease"}
    for products in (listed(planted_shop, "newcomer"), in_batch(planted_shop, "newcomer")):
        assert f"p{40 + taste}" not in products
        assert of_taste(products[:5], taste) >= 0.6


def test_a_product_without_any_event_is_a_candidate(planted_shop: Shop) -> None:
    everything = Query(count=60, exclude=frozenset())
    untouched = {"p56", "p57", "p58", "p59"}

    for listing in (listed, in_batch):
        assert untouched <= set(listing(planted_shop, "u0", everything))
    table = candidates(planted_shop, "u0", everything).table
    keys = [planted_shop.product(product).pk for product in untouched]
    rows = np.flatnonzero(np.isin(table.products, keys))
    assert len(rows) == 4
    assert table["behaviour:svd:short_term"][rows].all(), "their vectors are predicted"


def test_a_user_who_only_refused_things_gets_what_is_popular(planted_shop: Shop) -> None:
    planted_shop.post(*(event("grump", f"p{n}", type="dislike", at=planted.at(61)) for n in (0, 1)))

    for listing in (listed, in_batch):
        products = listing(planted_shop, "grump")
        assert len(products) == 10
        assert not {"p0", "p1"} & set(products)


def test_training_again_without_new_events_keeps_the_spaces_and_renews_the_rest(
    planted_shop: Shop,
) -> None:
    before = listed(planted_shop, "u0")

    again = train(planted_shop)

    assert {name: outcome for name, (outcome, _) in again.items()} == {
        "learner settings": "kept",
        "behaviour spaces": "kept",
        "popularity": "done",
        "co-occurrence": "done",
        "similar products": "done",
        "ranker": "done",
    }
    assert Space.objects.filter(kind="behaviour").count() == 2
    assert Ranker.objects.filter(mode="new", is_active=True).count() == 1
    assert Ranker.objects.filter(mode="new").count() == 2
    # Not the same to the last place: the order of a sum is up to the threads of BLAS.
    assert len(set(listed(planted_shop, "u0")) & set(before)) >= 8
    assert of_taste(listed(planted_shop, "u0")[:5], 0) >= 0.8


@pytest.fixture(scope="module")
def now() -> Snapshot:
    return planted.snapshot(planted.interactions(users=60, events=8))


def test_a_mode_is_learnt_from_every_split_and_its_choice_says_why(now: Snapshot) -> None:
    told: list[str] = []
    plan = splits.plan(now.interactions)

    selections = learn_ranker(Past(now), plan, [Mode.NEW], lambda text, *_: told.append(text))

    assert list(selections) == [Mode.NEW]
    assert selections[Mode.NEW].reason
    assert sum(line.startswith("going back to ") for line in told) == len(plan.splits)
    assert len({line for line in told if line.startswith("replaying split ")}) == len(plan.splits)


def test_where_last_events_are_held_out_their_spaces_are_learnt_once(now: Snapshot) -> None:
    told: list[str] = []
    plan = splits.plan(now.interactions, splits.LAST)

    selections = learn_ranker(Past(now), plan, [Mode.NEW], lambda text, *_: told.append(text))

    assert len(plan.splits) == 2
    assert sum(line.startswith("going back to ") for line in told) == 1
    assert selections[Mode.NEW].users > 0


def test_without_anything_to_learn_from_fusion_ranks_every_mode(now: Snapshot) -> None:
    nothing = splits.plan(now.interactions.where(now.interactions.weights > 99))

    selections = learn_ranker(Past(now), nothing, Mode.values, silent)

    assert set(selections) == set(Mode.values)
    for selection in selections.values():
        assert isinstance(selection.ranker, FusionRanker)
        assert selection.reason == "No event speaks for a product."


def test_with_too_little_history_it_is_skipped_and_no_ranker_is_stored(shop: Shop) -> None:
    shop.stock(mug="Mug")
    shop.post(event("ann", "mug"))

    outcome = train_ranker(shop.catalog, Past(run.present(shop.catalog)), silent)

    assert outcome.outcome == "skipped"
    assert "at least 100, 10 and 10 are needed" in outcome.text
    assert not Ranker.objects.filter(catalog=shop.catalog).exists()
