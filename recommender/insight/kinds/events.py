"""Events that no customer makes: bots, shared accounts, rings of clickers, bursts on a product."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from recommender.history import exclusion
from recommender.insight.kind import Finding, InsightError, Kind, Outcome, Parameters
from recommender.models import Catalog, Event, Product

if TYPE_CHECKING:
    from recommender.analysis.activity import Activity, Cells
    from recommender.analysis.event_groups import Burst, Ring
    from recommender.training.fitting import Progress

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED = 5  # products in a reason
# Beside signals, which are 1 at their limits.
_RING_SCORE, _BURST_SCORE = 5.0, 2.0
_MENDS = {
    "scraper": "Exclude the user from training and popularity; block the program at the door.",
    "hammering": "Exclude the user from training and popularity.",
    "shared-account": "Send an id for each person, or none where it is not known.",
    "click-ring": "Exclude all users of the ring from training and popularity.",
    "burst": "Exclude these users, unless an advertisement led them to the product.",
}


class EventParameters(Parameters):
    """How many customers may be suspected wrongly."""

    false_alarms: float = Field(
        default=0.001,
        ge=0.00001,
        le=0.1,
        description="The share of customers that each single signal may exceed.",
    )


@dataclass(slots=True)
class _Told:
    """What is told of a user; the first kind is the gravest."""

    kinds: list[str] = field(default_factory=list)
    score: float = 0.0
    reasons: list[str] = field(default_factory=list)
    evidence: dict[str, Any] = field(default_factory=dict)

    def add(self, kind: str, score: float, reasons: list[str], evidence: Mapping[str, Any]) -> None:
        self.kinds.append(kind)
        self.score += score
        self.reasons += reasons
        self.evidence |= evidence


def check(catalog: Catalog, _asked: EventParameters) -> None:
    """See that there are events, with times.

    Raises:
        InsightError: there are not.
    """
    if catalog.has_made_up_times:
        raise InsightError(
            "made-up-times",
            f"The events of {catalog} were imported without times, and bots are told by time.",
        )
    if not Event.objects.filter(catalog=catalog, product__isnull=False).exists():
        raise InsightError("no-events", f"{catalog} has no events yet.")


def run(catalog: Catalog, asked: EventParameters, say: "Progress") -> Outcome:
    """The users who are no single customer, the surest first."""
    from recommender.analysis import (  # noqa: PLC0415 - seconds and memory to load
        activity,
        event_anomalies,
        event_groups,
    )
    from recommender.insight import event_reading  # noqa: PLC0415 - as above

    check(catalog, asked)
    say("reading events")
    did, cells = activity.summarise(event_reading.read_events(catalog))
    say("comparing users")
    suspects = event_anomalies.suspects(did, asked.false_alarms)
    say("looking for rings")
    rings = event_groups.rings(cells)
    say("looking for bursts")
    bursts = event_groups.bursts(cells)
    told: dict[int, _Told] = {}
    for one in suspects:
        of_user = told.setdefault(one.user, _Told())
        of_user.add(one.kind, one.score, list(one.reasons), one.evidence)
    names = _names(rings, bursts)
    for number, ring in enumerate(rings, start=1):
        _tell_of_ring(told, number, ring, names)
    for burst in bursts:
        _tell_of_burst(told, burst, names)
    figures = _figures(told, did, cells) | {"rings": len(rings), "bursts": len(bursts)}
    # A crowd's taste is nobody's, but it is that of customers: it is for a person to exclude it.
    bots = [user for user, one in told.items() if one.kinds[0] != "shared-account"]
    figures["marked"] = exclusion.mark_bots(catalog, bots)
    figures["excluded"] = catalog.exclude_bots
    return Outcome(
        findings=_findings(told),
        figures=figures,
        summary=_summary(told, len(did)),
    )


def _tell_of_ring(
    told: dict[int, _Told], number: int, ring: "Ring", names: Mapping[int, str]
) -> None:
    products = [names[key] for key in ring.products[:_NAMED]]
    more = f" and {len(ring.products) - _NAMED:,} more" if len(ring.products) > _NAMED else ""
    reason = (
        f"one of {len(ring.users):,} users who met the same products on the same days: "
        f"{', '.join(products)}{more}"
    )
    evidence = {"ring": number, "members": len(ring.users), "likeness": round(ring.likeness, 4)}
    for user in ring.users:
        told.setdefault(user, _Told()).add("click-ring", _RING_SCORE, [reason], evidence)


def _tell_of_burst(told: dict[int, _Told], burst: "Burst", names: Mapping[int, str]) -> None:
    day = f"{_EPOCH + timedelta(days=burst.day):%-d %B %Y}"
    product = names[burst.product]
    reason = (
        f"did hardly anything but meet {product} on {day}, when it had {burst.events:,} events, "
        f"{burst.usual:.1f} on other days"
    )
    evidence = {"burst_product": product, "burst_day": day, "burst_events": burst.events}
    for user in burst.users:
        told.setdefault(user, _Told()).add("burst", _BURST_SCORE, [reason], evidence)


def _names(rings: "list[Ring]", bursts: "list[Burst]") -> dict[int, str]:
    """The ids of the products that reasons name."""
    keys = {key for ring in rings for key in ring.products[:_NAMED]}
    keys |= {burst.product for burst in bursts}
    return dict(Product.objects.filter(pk__in=keys).values_list("pk", "external_id"))


def _findings(told: Mapping[int, _Told]) -> Iterator[Finding]:
    for user, one in told.items():
        data = {
            "reason": "; ".join(one.reasons),
            "reasons": one.reasons,
            "evidence": one.evidence,
            "kinds": one.kinds,
            "mend": _MENDS[one.kinds[0]],
        }
        yield Finding(None, user, one.kinds[0], one.score, data)


def _figures(told: Mapping[int, _Told], did: "Activity", cells: "Cells") -> dict[str, Any]:
    by_kind = {kind: sum(kind in one.kinds for one in told.values()) for kind in _MENDS}
    is_suspect = np.isin(did.users, np.fromiter(told, dtype=np.int64))
    return {
        "users": len(did),
        "events": int(did.events.sum()),
        "product_days": len(cells),
        "suspects": len(told),
        "events_of_suspects": int(did.events[is_suspect].sum()),
        "by_kind": by_kind,
    }


def _summary(told: Mapping[int, _Told], users: int) -> str:
    if not told:
        return f"Of {users:,} users none looks like a bot or a crowd."
    return f"{len(told):,} of {users:,} users look like bots, rings or crowds."


KIND = Kind(
    name="events",
    title="Odd events",
    help="Users who are no single customer: bots, shared accounts, rings of clickers, bursts.",
    parameters=EventParameters,
    run=run,
    check=check,
    examples=("--false-alarms 0.01",),
)
