"""A history that a request tells and nobody stores: products with weights, events of a session."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from psycopg import sql

from recommender import database
from recommender.behaviour.interactions import MAX_EVENTS, History
from recommender.engine.answer import SEEN, Query
from recommender.engine.candidates import SEED
from recommender.engine.stored import StoredUser, find_user, nobody
from recommender.history import aliases, reader
from recommender.models import Catalog

# As `fallback` or `degraded`: nobody vouches that it is the user who asks.
NO_USER_TOKEN = "no_user_token"  # noqa: S105 - a word, not a password
# The user does not allow to be known.
NO_CONSENT = "no_consent"

# Seconds between events that have no time: they are in the order of their coming.
_STEP = 1.0

# Rows of (key, weight, time, type, place), the newest first; what says nothing is left out.
_KNOWN = sql.SQL("""
SELECT p.id, COALESCE(e.given, {weight}) AS weight, extract(epoch FROM e.at)::float8, e.type,
    e.place
FROM unnest(%(products)s::text[], %(types)s::text[], %(values)s::float8[], %(weights)s::float8[],
            %(times)s::timestamptz[]) WITH ORDINALITY AS e(product, type, value, given, at, place)
JOIN recommender_catalog c ON c.id = %(catalog)s
JOIN recommender_product p ON p.id = ({key})
ORDER BY e.at DESC, e.place DESC
""").format(
    weight=reader.WEIGHT,
    key=aliases.KEY.format(catalog=sql.SQL("c.id"), name=sql.SQL("e.product")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenEvent:
    """A product that a request names, or what somebody just did with it."""

    product: str  # its id
    type: str = SEED  # of event
    value: float | None = None
    weight: float | None = None  # what it says of taste; by its type and value where None
    at: datetime | None = None  # of its place among the others where None


@dataclass(frozen=True, slots=True)
class Asker:
    """The user whom a request names, as far as they count."""

    user: StoredUser | None
    missing: tuple[str, ...] = ()  # their id, where nobody knows it
    refusal: str | None = None  # why somebody who is known does not count


def asker(catalog: Catalog, external_id: str | None, query: Query) -> Asker:
    """The user of this id, if any is named; not one of whom the caller may not ask."""
    if external_id is None:
        return Asker(None)
    if not query.has_consent:
        return Asker(None, refusal=NO_CONSENT)
    user = find_user(catalog, external_id, query)
    if user is None:
        return Asker(None, missing=(external_id,))
    refusal = refusal_of(is_anonymous=user.is_anonymous, anonymous_only=query.anonymous_only)
    return Asker(user) if refusal is None else Asker(None, refusal=refusal)


def refusal_of(*, is_anonymous: bool, anonymous_only: bool) -> str | None:
    """Why a user who is known does not count; None where they do.

    Args:
        is_anonymous: whether nobody vouches for who they are.
        anonymous_only: whether the caller may ask of no others.
    """
    return NO_USER_TOKEN if anonymous_only and not is_anonymous else None


def with_history(
    catalog: Catalog, stored: StoredUser | None, given: Sequence[GivenEvent], query: Query
) -> tuple[StoredUser, tuple[str, ...]]:
    """A user whose latest events are those given, before what is stored of them; unknown ids.

    Products that are given are left out of the answer, unless nothing is.

    Args:
        stored: None for nobody.
    """
    rows = database.fetch(_KNOWN, _parameters(catalog, given))
    known = {row[-1] - 1 for row in rows}
    missing = dict.fromkeys(one.product for place, one in enumerate(given) if place not in known)
    telling = [row for row in rows if row[1]]
    user = stored or nobody(catalog, query)
    ids = np.array([row[0] for row in telling], dtype=np.int64)
    told = np.array([row[1:3] for row in telling], dtype=np.float64).reshape(-1, 2)
    history = History(
        product_ids=np.concatenate([ids, user.history.product_ids])[:MAX_EVENTS],
        weights=np.concatenate([told[:, 0], user.history.weights])[:MAX_EVENTS],
        times=np.concatenate([told[:, 1], user.history.times])[:MAX_EVENTS],
    )
    excluded = user.excluded
    if SEEN in query.exclude:
        excluded = np.union1d(excluded, np.array([row[0] for row in rows], dtype=np.int64))
    types = [*(row[3] for row in telling), *user.types][:MAX_EVENTS]
    user = replace(user, history=history, types=types, excluded=excluded, made={})
    return user, tuple(missing)


def _parameters(catalog: Catalog, given: Sequence[GivenEvent]) -> dict[str, object]:
    now = time.time()
    return {
        "catalog": catalog.pk,
        "products": [one.product for one in given],
        "types": [one.type for one in given],
        "values": [one.value for one in given],
        "weights": [
            1.0 if one.weight is None and one.type == SEED else one.weight for one in given
        ],
        "times": [
            one.at or datetime.fromtimestamp(now - _STEP * (len(given) - place), UTC)
            for place, one in enumerate(given)
        ],
    }
