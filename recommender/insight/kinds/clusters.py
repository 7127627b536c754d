"""Clusters: what the catalog consists of, by its vectors."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from recommender import arrays
from recommender.analysis import nearest
from recommender.insight import reading
from recommender.insight.kind import Finding, InsightError, Kind, Outcome, SpaceParameters
from recommender.models import Catalog, InsightRun, Product, Space
from recommender.spaces.partitions import load_vectors

if TYPE_CHECKING:
    from recommender.analysis.cluster_count import Tried
    from recommender.analysis.cluster_profile import Profile
    from recommender.analysis.clusters import Assignment
    from recommender.analysis.nearest import Vectors
    from recommender.insight.reading import Facts
    from recommender.training.fitting import Progress

# A section is named after so many of its clusters.
_NAMED_AFTER = 3


class ClusterParameters(SpaceParameters):
    """How many clusters, or none to have it chosen."""

    k: int | None = Field(
        default=None,
        ge=2,
        le=500,
        description="So many clusters; left out, the number that suits best, by silhouette and "
        "stability.",
    )


@dataclass(frozen=True, slots=True)
class Clustering:
    """A space's products in clusters of two levels, with names."""

    facts: "Facts"
    rows: "Vectors"
    centroids: "Vectors"
    found: "Assignment"
    names: Sequence[str]
    sections: Sequence[int]  # of each cluster
    section_names: Sequence[str]
    tried: "Sequence[Tried]"


def check(catalog: Catalog, asked: ClusterParameters) -> None:
    """See that there are vectors, and no fewer than clusters.

    Raises:
        InsightError: there are not.
    """
    reading.check_has_vectors(catalog, reading.choose_space(catalog, asked.space), asked.k or 2)


def cluster(catalog: Catalog, space: Space, k: int | None, say: "Progress") -> Clustering:
    """The products of a space in clusters.

    Raises:
        InsightError: there are too few vectors, or all are equal.
    """
    from recommender.analysis import (  # noqa: PLC0415 - seconds and memory to load
        cluster_count,
        cluster_names,
        clusters,
    )

    say("reading vectors")
    vectors, facts = reading.read(catalog, space, k or 2)
    rows = nearest.units(vectors.rows)
    if not (rows != rows[0]).any():
        raise InsightError("all-equal", f"All vectors of {space} are equal: there are no clusters.")
    tried: Sequence[Tried] = ()
    if k is None:
        k, tried = cluster_count.choose(
            rows, lambda done, total: say("trying numbers of clusters", done, total)
        )
    say(f"making {k} clusters")
    centroids = clusters.fit(rows, k)
    found = clusters.assign(rows, centroids)
    say("naming clusters")
    names = cluster_names.names(
        facts.titles.tolist(),
        found.labels,
        len(centroids),
        stop_words=partial(reading.stop_words, catalog),
    )
    sections = clusters.sections(centroids).tolist()
    return Clustering(
        facts=facts,
        rows=rows,
        centroids=centroids,
        found=found,
        names=names,
        sections=sections,
        section_names=_section_names(names, sections),
        tried=tried,
    )


def _section_names(names: Sequence[str], sections: Sequence[int]) -> list[str]:
    """Of each section the first words of its largest clusters."""
    words: list[list[str]] = [[] for _ in range(max(sections) + 1)]
    for name, section in zip(names, sections, strict=True):
        word = name.split(", ", maxsplit=1)[0]
        if word and word not in words[section] and len(words[section]) < _NAMED_AFTER:
            words[section].append(word)
    return [", ".join(chosen) for chosen in words]


def run(catalog: Catalog, asked: ClusterParameters, say: "Progress") -> Outcome:
    """Each product in its cluster.

    Raises:
        InsightError: there are too few vectors, or all are equal.
    """
    from recommender.analysis import cluster_profile  # noqa: PLC0415 - as above

    space = reading.choose_space(catalog, asked.space)
    made = cluster(catalog, space, asked.k, say)
    say("describing clusters")
    sales = reading.read_sales(catalog, made.facts.keys)
    profiles = cluster_profile.profiles(made.centroids, made.found, sales.month, sales.before)
    described = [_described(made, number, profile) for number, profile in enumerate(profiles)]
    return Outcome(
        findings=_findings(made),
        figures={
            "products": len(made.rows),
            "clusters": len(profiles),
            "cohesion": round(float(made.found.nearness.mean()), 4),
            "sales_of": sales.of,
            "tried": [_of_tried(one) for one in made.tried],
            "sections": [
                {
                    "section": str(number),
                    "name": name,
                    "clusters": [
                        str(cluster)
                        for cluster, section in enumerate(made.sections)
                        if section == number
                    ],
                }
                for number, name in enumerate(made.section_names)
            ],
            "described": described,
        },
        summary=_summary(made, described),
        space=space,
        arrays={"centroids": made.centroids, "names": np.array(made.names, dtype=np.str_)},
    )


def _findings(made: Clustering) -> Iterator[Finding]:
    found = made.found
    columns = (made.facts.keys, found.labels, found.nearness, found.others, found.margins)
    for key, label, nearness, other, margin in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        data = _placed(made.names, label, nearness, other, margin)
        yield Finding(key, None, str(label), nearness, data)


def _placed(
    names: Sequence[str], label: int, nearness: float, other: int, margin: float
) -> dict[str, Any]:
    """Where a product is, and how sure that is."""
    return {
        "cluster": names[label],
        "nearness": round(nearness, 4),
        "next": str(other) if other >= 0 else None,
        "next_cluster": names[other] if other >= 0 else None,
        "margin": round(margin, 4),
    }


def _described(made: Clustering, number: int, profile: "Profile") -> dict[str, Any]:
    def products(rows: list[int]) -> list[dict[str, str]]:
        return [{"id": made.facts.ids[row], "title": made.facts.titles[row]} for row in rows]

    return {
        "group": str(number),
        "name": made.names[number],
        "section": str(made.sections[number]),
        "products": profile.size,
        "share": round(profile.share, 4),
        "cohesion": round(profile.cohesion, 4),
        "neighbour": str(profile.neighbour) if profile.neighbour >= 0 else None,
        "separation": round(profile.separation, 4),
        "sales": round(profile.sales),
        "sales_share": None if profile.sales_share is None else round(profile.sales_share, 4),
        "growth": None if profile.growth is None else round(profile.growth, 4),
        "typical": products(profile.typical),
        "border": products(profile.border),
    }


def _of_tried(tried: "Tried") -> dict[str, Any]:
    return {
        "k": tried.k,
        "silhouette": round(tried.silhouette, 4),
        "stability": round(tried.stability, 4),
    }


def _summary(made: Clustering, described: Sequence[dict[str, Any]]) -> str:
    largest = described[0]
    of = f" in {len(made.section_names)} sections" if len(made.section_names) > 1 else ""
    name = f", {largest['name']}," if largest["name"] else ""
    return (
        f"{len(made.rows):,} products in {len(described):,} clusters{of}; the largest{name} has "
        f"{largest['products']:,}."
    )


def of_newcomer(run: InsightRun, product: Product) -> Finding | None:
    """The nearest cluster of a product that came later; None while it has no vector."""
    if run.space_version is None or run.arrays is None:
        return None
    versions = Space.objects.filter(catalog=run.catalog_id, name=run.space_name, retired_at=None)
    space = versions.filter(version=run.space_version).first()
    if space is None:
        return None
    found, vectors = load_vectors(space.pk, [product.pk])
    if not len(found) or not np.any(vectors):
        return None
    stored = arrays.unpack_arrays(bytes(run.arrays))
    names = stored["names"].tolist()
    nearness = stored["centroids"] @ (vectors[0] / np.linalg.norm(vectors[0]))
    label, *others = np.argsort(-nearness, kind="stable").tolist()
    other = others[0] if others else -1
    margin = float(nearness[label] - nearness[other]) if others else 0.0
    data = _placed(names, label, float(nearness[label]), other, margin)
    return Finding(product.pk, None, str(label), float(nearness[label]), data)


def draw(run: InsightRun) -> bytes:
    """A bar for each cluster."""
    from recommender.insight import pictures  # noqa: PLC0415 - matplotlib takes long to load

    described = run.figures["described"]
    names, sizes, cohesions = (
        [one[column] for one in described] for column in ("name", "products", "cohesion")
    )
    return pictures.bars_picture(names, sizes, cohesions)


KIND = Kind(
    name="clusters",
    title="Clusters",
    help="What the catalog consists of: groups of like products, by their vectors.",
    parameters=ClusterParameters,
    run=run,
    check=check,
    of_newcomer=of_newcomer,
    draw=draw,
    examples=("--k 12", "--space behaviour --k 20"),
)
