"""Measure: known faults in a copy of a catalog, and how well each kind finds them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from recommender.insight import reading
from recommender.insight.kind import Finding, Kind, Outcome, SpaceParameters
from recommender.insight.kinds import anomalies, duplicates
from recommender.models import Catalog

if TYPE_CHECKING:
    from recommender.analysis.nearest import Vectors
    from recommender.analysis.planting import Measured, Planted
    from recommender.insight.items import Catalogue
    from recommender.training.fitting import Progress


class MeasureParameters(SpaceParameters):
    """Which faults are drawn."""

    seed: int = Field(default=0, ge=0, le=1_000_000, description="Another one draws others.")


def run(catalog: Catalog, asked: MeasureParameters, say: "Progress") -> Outcome:
    """Precision and recall of each kind of fault; the catalog itself is left as it is.

    Raises:
        InsightError: there are too few vectors, all are equal, or the model cannot embed.
    """
    found = of_products(catalog, asked, say)
    told = {kind: _told(measured) for kind, measured in found.items()}
    return Outcome(
        findings=_findings(told),
        figures=told,
        summary=_summary(found),
        space=reading.choose_space(catalog, asked.space),
    )


def of_products(
    catalog: Catalog, asked: MeasureParameters, say: "Progress"
) -> "dict[str, Measured]":
    """How well odd products and duplicates are found."""
    from recommender.analysis import duplicates as pairs  # noqa: PLC0415
    from recommender.analysis import nearest, planting  # noqa: PLC0415 - memory to load
    from recommender.insight import items  # noqa: PLC0415

    say("reading products")
    told = items.read(catalog, reading.choose_space(catalog, asked.space))
    judged = items.without_categories(told.space, told.items, say)
    known = items.behaviour(catalog, told.keys)
    say("planting faults")
    planted = planting.plant(told.items, asked.seed)
    copy, judged, known = _copied(told, planted, judged, known, say)
    say("looking for them")
    near = nearest.neighbours(copy.unit, duplicates.NEIGHBOURS)
    odd = anomalies.search(copy, near, copy.unit if judged is None else judged, known)
    twice = pairs.find(copy.items, copy.unit, near)
    measured = {
        code: planting.measured(places, (one.place for one in odd.anomalies if one.code == code))
        for code, places in planted.wrong.items()
    }
    copies = frozenset().union(*planted.copies.values())
    ordered = {(min(pair.kept, pair.other), max(pair.kept, pair.other)) for pair in twice.pairs}
    measured["duplicate"] = planting.measured(copies, ordered)
    for kind, of_kind in planted.copies.items():
        # What is found beside them cannot be said to be of one kind or another.
        measured[f"duplicate_{kind}"] = planting.measured(of_kind, ordered & of_kind)
    return measured


def _copied(
    told: "Catalogue",
    planted: "Planted",
    judged: "Vectors | None",
    known: "Vectors | None",
    say: "Progress",
) -> "tuple[Catalogue, Vectors | None, Vectors | None]":
    """The catalog with its faults; what says something else has other vectors."""
    from recommender.insight import items  # noqa: PLC0415

    sources, changed = list(planted.sources), sorted(planted.texts)
    texts = [planted.items[place] for place in changed]
    unit = told.unit[sources]
    unit[changed] = items.embedded(told.space, texts)
    if judged is not None:
        judged = judged[sources]
        judged[changed] = items.without_categories(told.space, texts, say)
    if known is not None:
        known = known[sources]
        known[len(told.items) :] = 0  # nobody has met a copy yet
    copy = items.Catalogue(told.space, told.keys[sources], planted.items, unit)
    return copy, judged, known


def _told(measured: "Measured") -> dict[str, float | int | None]:
    return {
        "planted": measured.planted,
        "found": measured.found,
        "right": measured.right,
        "precision": measured.precision,
        "recall": measured.recall,
    }


def _findings(told: Mapping[str, Mapping[str, float | int | None]]) -> Iterator[Finding]:
    for kind, figures in told.items():
        yield Finding(None, None, kind, float(figures["recall"] or 0), figures)


def _summary(found: "Mapping[str, Measured]") -> str:
    """The measures in a sentence."""
    return f"{'; '.join(f'{kind} {_said(one)}' for kind, one in found.items())}."


def _said(measured: "Measured") -> str:
    if measured.recall is None:
        return "none planted"
    precision = "" if measured.precision is None else f"precision {measured.precision:.2f}, "
    return f"{precision}recall {measured.recall:.2f} of {measured.planted:,}"


KIND = Kind(
    name="measure",
    title="Measure",
    help="How well the other kinds find faults, by known ones planted into a copy of the catalog.",
    parameters=MeasureParameters,
    run=run,
    check=duplicates.check,
    examples=("--seed 1",),
)
