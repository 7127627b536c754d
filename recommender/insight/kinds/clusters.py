"""Clusters: what the catalog consists of, by its vectors."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import Field

from recommender.insight import reading
from recommender.insight.kind import Finding, InsightError, Kind, Outcome, SpaceParameters
from recommender.models import Catalog

if TYPE_CHECKING:
    from recommender.analysis.clusters import Assignment
    from recommender.insight.reading import Facts
    from recommender.training.fitting import Progress


class ClusterParameters(SpaceParameters):
    """How many clusters, or none to have it chosen."""

    k: int | None = Field(default=None, ge=2, le=1000, description="So many clusters.")


def check(catalog: Catalog, asked: ClusterParameters) -> None:
    """See that there are vectors, and no fewer than clusters.

    Raises:
        InsightError: there are not.
    """
    reading.check_has_vectors(catalog, reading.choose_space(catalog, asked.space), asked.k or 2)


def run(catalog: Catalog, asked: ClusterParameters, say: "Progress") -> Outcome:
    """Each product in its cluster.

    Raises:
        InsightError: there are too few vectors, or all are equal.
    """
    from recommender.analysis import clusters  # noqa: PLC0415 - seconds and memory to load

    space = reading.choose_space(catalog, asked.space)
    say("reading vectors")
    vectors, facts = reading.read(catalog, space, asked.k or 2)
    rows = clusters.normalise(vectors.rows)
    say("clustering")
    centroids = clusters.fit(rows, asked.k or min(20, len(rows)))
    if len(centroids) < 2:
        raise InsightError("all-equal", f"All vectors of {space} are equal: there are no clusters.")
    found = clusters.assign(rows, centroids)
    return Outcome(
        findings=_findings(facts, found),
        figures={"products": len(rows), "clusters": len(centroids)},
        summary=f"{len(rows):,} products in {len(centroids):,} clusters.",
        space=space,
        arrays={"centroids": centroids},
    )


def _findings(facts: "Facts", found: "Assignment") -> Iterator[Finding]:
    for key, label, nearness in zip(facts.keys, found.labels, found.nearness, strict=True):
        data: dict[str, Any] = {"nearness": round(float(nearness), 4)}
        yield Finding(int(key), None, str(label), float(nearness), data)


KIND = Kind(
    name="clusters",
    title="Clusters",
    help="What the catalog consists of: groups of like products, by their vectors.",
    parameters=ClusterParameters,
    run=run,
    check=check,
    examples=("--k 12",),
)
