"""Duplicates: products that are in the catalog twice."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from recommender.insight import reading
from recommender.insight.kind import Finding, Kind, Outcome, SpaceParameters
from recommender.models import Catalog

if TYPE_CHECKING:
    from recommender.analysis.duplicates import Duplicates
    from recommender.insight.items import Catalogue
    from recommender.training.fitting import Progress

NEIGHBOURS = 10


class DuplicateParameters(SpaceParameters):
    """How alike products must be to be compared word by word."""

    similarity: float = Field(
        default=0.8, ge=0, le=1, description="Least cosine of neighbours that are looked at."
    )


def check(catalog: Catalog, asked: SpaceParameters) -> None:
    """See that two products have vectors.

    Raises:
        InsightError: they have not.
    """
    reading.check_has_vectors(catalog, reading.choose_space(catalog, asked.space))


def run(catalog: Catalog, asked: DuplicateParameters, say: "Progress") -> Outcome:
    """The pairs of entries of one product, each with its reason.

    Raises:
        InsightError: there are too few vectors, or all are equal.
    """
    from recommender.analysis import duplicates, nearest  # noqa: PLC0415 - memory to load
    from recommender.insight import items  # noqa: PLC0415

    say("reading products")
    told = items.read(catalog, reading.choose_space(catalog, asked.space))
    say("looking for neighbours")
    near = nearest.neighbours(told.unit, NEIGHBOURS)
    say("comparing pairs")
    found = duplicates.find(told.items, told.unit, near, least_similarity=asked.similarity)
    spare = sum(map(len, found.groups.values()))
    return Outcome(
        findings=_findings(told, found),
        figures={
            "products": len(told.items),
            "compared": found.candidates,
            "pairs": len(found.pairs),
            "groups": len(found.groups),
            "spare": spare,
            "refused": found.refused,
        },
        summary=f"Of {len(told.items):,} products {spare or 'none'} "
        f"{'is' if spare < 2 else 'are'} in the catalog already.",
        space=told.space,
    )


def _findings(told: "Catalogue", found: "Duplicates") -> Iterator[Finding]:
    """A pair each; its group is the entry to keep."""
    keeper = {place: kept for kept, others in found.groups.items() for place in (kept, *others)}
    for pair in found.pairs:
        kept, other = told.items[pair.kept], told.items[pair.other]
        group = told.items[keeper[pair.other]].id
        data = {
            "code": pair.judgement.code,
            "reason": pair.judgement.reason,
            "evidence": {"similarity": pair.similarity, **pair.judgement.evidence},
            "mend": f"Keep {group}, and merge {other.id} into it.",
            "other": {"id": kept.id, "title": kept.title},
        }
        yield Finding(int(told.keys[pair.other]), None, group, pair.similarity, data)


KIND = Kind(
    name="duplicates",
    title="Duplicates",
    help="Products that are in the catalog twice; a variant or another size is none.",
    parameters=DuplicateParameters,
    run=run,
    check=check,
    examples=("--similarity 0.9",),
)
