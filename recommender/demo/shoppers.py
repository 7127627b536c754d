"""The sample store's shoppers: simulated, each with a recognisable taste and a history."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import NAMESPACE_URL, UUID, uuid5

from recommender.demo.products import Product
from recommender.demo.shelf import LONGEST_VISIT, Shelf, Visitor, fill
from recommender.demo.tastes import TASTES, Taste

WINDOW = timedelta(days=120)

_SECOND_TASTE = 0.4
# Visits are log-normal: most shoppers come a few times, a few come all the time.
_MEDIAN_VISITS, _SPREAD_OF_VISITS, _MOST_VISITS = 4.0, 1.0, 40
# When people shop, UTC hour by hour: little at night, some at lunch, most in the evening.
_HOURS = (1, 1, 0, 0, 0, 1, 2, 4, 5, 5, 5, 6, 8, 7, 5, 5, 6, 8, 9, 11, 12, 10, 6, 3)


@dataclass(frozen=True, slots=True)
class Shopper:
    """A simulated shopper.

    Attributes:
        external_id: says that it is simulated, and the first taste: `sim-coffee-lover-03`.
        tastes: one or two, the stronger first.
        visits: how often they come to the store in the whole window.
    """

    external_id: str
    tastes: tuple[Taste, ...]
    visits: int

    @property
    def attributes(self) -> dict[str, str | bool]:
        """What the store knows of them: that they are simulated, and their tastes by name."""
        names = ("taste", "second_taste")
        return {"simulated": True} | {
            name: taste.name for name, taste in zip(names, self.tastes, strict=False)
        }


@dataclass(frozen=True, slots=True)
class SimulatedEvent:
    """Something a simulated shopper did; the fields of an event of the API."""

    id: UUID
    type: str
    user: str
    product: str
    at: datetime
    quantity: int | None


def shoppers(seed: int) -> list[Shopper]:
    """Some 200 shoppers, the same for the same seed, taste by taste."""
    return [
        _shopper(taste, number, _stream(seed, taste.name, str(number)))
        for taste in TASTES
        for number in range(1, taste.shoppers + 1)
    ]


def simulate(products: Sequence[Product], *, seed: int, end: datetime) -> Iterator[SimulatedEvent]:
    """The shoppers' histories over the 120 days before `end`, oldest event first.

    The same seed and end give the same events, all times in UTC. Ids come from the seed, the
    shopper and the event's place in their history, not from `end`. So a history loaded again with
    a later end is almost all duplicates; the few that are new are there because more products
    were out by then.

    Raises:
        ValueError: if `end` has no time zone.
    """
    if end.tzinfo is None:
        raise ValueError(f"end={end} has no time zone; pass an aware datetime, such as UTC.")
    end = end.astimezone(UTC)
    shelf = fill(products, _stream(seed, "shelf"))
    events = [event for shopper in shoppers(seed) for event in _history(shopper, shelf, seed, end)]
    yield from sorted(events, key=lambda event: (event.at, event.user))


def _shopper(taste: Taste, number: int, rng: Random) -> Shopper:
    others = [other for other in TASTES if other is not taste]
    second = (rng.choice(others),) if rng.random() < _SECOND_TASTE else ()
    visits = rng.lognormvariate(math.log(_MEDIAN_VISITS), _SPREAD_OF_VISITS)
    return Shopper(
        external_id=f"sim-{taste.name.replace(' ', '-')}-{number:02d}",
        tastes=(taste, *second),
        visits=min(max(int(visits), 1), _MOST_VISITS),
    )


def _history(shopper: Shopper, shelf: Shelf, seed: int, end: datetime) -> Iterator[SimulatedEvent]:
    rng = _stream(seed, shopper.external_id)
    visitor = Visitor(shopper.tastes, shelf, end, rng)
    starts = sorted(_start(end, rng) for _ in range(shopper.visits))
    actions = (action for start in starts for action in visitor.visit(start))
    for number, action in enumerate(actions):
        yield SimulatedEvent(
            id=uuid5(NAMESPACE_URL, f"simulated:{seed}:{shopper.external_id}:{number}"),
            type=action.type,
            user=shopper.external_id,
            product=action.product,
            at=action.at,
            quantity=action.quantity,
        )


def _start(end: datetime, rng: Random) -> datetime:
    """The start of a visit: any day of the window, at an hour when people shop."""
    hour = rng.choices(range(24), _HOURS)[0]
    day = end - timedelta(days=rng.randrange(WINDOW.days))
    start = day.replace(
        hour=hour, minute=rng.randrange(60), second=rng.randrange(60), microsecond=0
    )
    while start > end - LONGEST_VISIT:
        start -= timedelta(days=1)
    return start


def _stream(seed: int, *names: str) -> Random:
    """Random numbers of their own for each purpose, so that a change of one leaves the others."""
    # Seeded by text, which Random hashes alike in every process.
    return Random(":".join((str(seed), *names)))  # noqa: S311 - a simulation, not a secret
