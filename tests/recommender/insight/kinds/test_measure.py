"""What is found of planted faults, on the sample store and on a generated catalogue."""

import numpy as np
import pytest

from embeddings.local import wordllama
from recommender.analysis import duplicates, least_squares, nearest, planting, product_anomalies
from recommender.analysis.items import Item
from recommender.analysis.nearest import Vectors
from recommender.analysis.planting import Measured
from recommender.catalog import sample
from recommender.models import Product
from tests.recommender.analysis.catalogue import generate
from tests.recommender.insight.insights import find_out
from tests.shop import Shop


@pytest.fixture
def sample_store(db: None) -> Shop:
    shop = Shop(sample.load())
    shop.embed()
    return shop


def summed(runs: list[dict[str, Measured]], kind: str) -> Measured:
    found = [run[kind] for run in runs]
    return Measured(
        sum(one.planted for one in found),
        sum(one.found for one in found),
        sum(one.right for one in found),
    )


def test_faults_of_the_sample_store_are_found_and_the_store_is_left_alone(
    sample_store: Shop,
) -> None:
    before = list(Product.objects.order_by("pk").values())
    runs = [find_out(sample_store, "measure", seed=seed) for seed in range(3)]
    measured = [
        {
            kind: Measured(row["planted"], row["found"], row["right"])
            for kind, row in run.figures.items()
        }
        for run in runs
    ]

    assert list(Product.objects.order_by("pk").values()) == before
    for kind in ("language", "duplicate"):
        assert (summed(measured, kind).precision or 0) >= 0.9, kind
        assert (summed(measured, kind).recall or 0) >= 0.9, kind
    assert runs[0].findings.count() == len(runs[0].figures)
    assert "duplicate precision" in runs[0].summary


@pytest.mark.slow
def test_faults_of_twenty_thousand_products_are_found() -> None:
    model = wordllama.load()

    def embedded(items: tuple[Item, ...], *, category: bool) -> Vectors:
        texts = [
            ". ".join((i.title, i.brand, i.category.replace("/", ", ") * category, i.own_text))
            for i in items
        ]
        return nearest.units(model.encode(texts)[0])

    planted = planting.plant(generate(20_000))
    unit = embedded(planted.items, category=True)
    near = nearest.neighbours(unit, 10)
    attributes = [item.attributes for item in planted.items]
    features = least_squares.features(embedded(planted.items, category=False), attributes)
    odd = product_anomalies.find(planted.items, features, near)
    twice = duplicates.find(planted.items, unit, near)

    measured = {
        code: planting.measured(places, (a.place for a in odd.anomalies if a.code == code))
        for code, places in planted.wrong.items()
    }
    pairs = {(min(p.kept, p.other), max(p.kept, p.other)) for p in twice.pairs}
    measured["duplicate"] = planting.measured(frozenset().union(*planted.copies.values()), pairs)
    for kind, one in measured.items():
        assert one.planted >= 20, kind
        assert (one.precision or 0) >= 0.9, kind
        assert (one.recall or 0) >= 0.9, kind
    for kind, of_kind in planted.copies.items():
        assert len(of_kind & pairs) >= 0.9 * len(of_kind), kind
    assert np.isfinite(unit).all()
