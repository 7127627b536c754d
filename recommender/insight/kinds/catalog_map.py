"""The map: a catalog's products in two dimensions, in clusters."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from recommender import arrays
from recommender.insight import reading
from recommender.insight.kind import Finding, Kind, Outcome
from recommender.insight.kinds import clusters
from recommender.insight.kinds.clusters import Clustering, ClusterParameters
from recommender.models import Catalog, InsightRun

if TYPE_CHECKING:
    from recommender.analysis.layout import Positions
    from recommender.training.fitting import Progress

# A place has so many steps each way, which two bytes hold.
STEPS = 65_535
# So many categories have colours of their own; the rest are one.
_CATEGORIES = 24
OTHERS = "others"


def run(catalog: Catalog, asked: ClusterParameters, say: "Progress") -> Outcome:
    """Each product's place.

    Raises:
        InsightError: there are too few vectors, or all are equal.
    """
    from recommender.analysis import layout  # noqa: PLC0415 - seconds and memory to load

    space = reading.choose_space(catalog, asked.space)
    made = clusters.cluster(catalog, space, asked.k, say)
    places = layout.layout(made.rows, say)
    say("reading sales")
    sales = reading.read_sales(catalog, made.facts.keys)
    warm = reading.read_warm(catalog, made.facts.keys)
    names, codes = _categories(made.facts.categories)
    return Outcome(
        findings=_findings(made, places),
        figures={
            "products": len(made.rows),
            "clusters": [
                {"group": str(number), "name": name} for number, name in enumerate(made.names)
            ],
            "warm": int(warm.sum()),
            "sales_of": sales.of,
        },
        summary=f"A map of {len(made.rows):,} products in {len(made.names):,} clusters.",
        space=space,
        arrays={
            "keys": made.facts.keys,
            "places": np.round(places * STEPS).clip(0, STEPS).astype("<u2"),
            "cluster": made.found.labels.astype("<u2"),
            "category": codes.astype("<u2"),
            "price": made.facts.prices.astype("<f4"),
            "sales": sales.month.astype("<f4"),
            "warm": warm.astype("<u2"),
            "cluster_names": np.array(made.names, dtype=np.str_),
            "category_names": np.array(names, dtype=np.str_),
        },
    )


def _findings(made: Clustering, places: "Positions") -> Iterator[Finding]:
    found = made.found
    rows = zip(
        made.facts.keys.tolist(),
        found.labels.tolist(),
        found.nearness.tolist(),
        places.astype(float).round(4).tolist(),
        strict=True,
    )
    for key, label, nearness, (x, y) in rows:
        data = {"cluster": made.names[label], "x": round(x, 4), "y": round(y, 4)}
        yield Finding(key, None, str(label), nearness, data)


def _categories(paths: NDArray[np.object_]) -> tuple[list[str], NDArray[np.int64]]:
    """The commonest top categories, the rest as one, and which of them each product is of."""
    tops = [str(path).split("/", maxsplit=1)[0] for path in paths]
    names = [name for name, _ in Counter(tops).most_common(_CATEGORIES)]
    known = {name: number for number, name in enumerate(names)}
    codes = np.array([known.get(top, len(names)) for top in tops], dtype=np.int64)
    return [name or "none" for name in names] + [OTHERS], codes


def draw(run: InsightRun) -> bytes:
    """The map, in the colours of its clusters."""
    from recommender.insight import pictures  # noqa: PLC0415 - matplotlib takes long to load

    stored = arrays.unpack_arrays(bytes(run.arrays or b""))
    places = stored["places"].astype(np.float64) / STEPS
    labels = stored["cluster"].astype(np.int64)
    return pictures.map_picture(places, labels, stored["cluster_names"].tolist())


KIND = Kind(
    name="map",
    title="Map",
    help="A map of the catalog: like products are near each other.",
    parameters=ClusterParameters,
    run=run,
    check=clusters.check,
    draw=draw,
    examples=("--k 20",),
)
