"""Events in: the rules for events, and taking them in.

One statement takes in one event or a chunk of staged rows.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from django.conf import settings
from django.db import transaction
from psycopg import sql

from recommender import database
from recommender.history import aliases, reader
from recommender.history.partitions import ensure_months
from recommender.models import Catalog

ACCEPTED, DUPLICATE, UNKNOWN_PRODUCT = "accepted", "duplicate", "unknown product"
KNOWN_USER = "known user"

# Ordered inserts: two ingests of the same users and keys wait for each other, never deadlock.
_INGEST = sql.SQL("""
WITH incoming AS ({source}), known AS (
    SELECT i.*, CASE WHEN i.product IS NOT NULL THEN COALESCE(p.id, ({merged})) END AS product_pk,
           {refused} AS is_refused FROM incoming i
    JOIN recommender_catalog c ON c.id = {catalog} LEFT JOIN recommender_product p
    ON p.catalog_id = {catalog} AND p.external_id = i.product AND p.deleted_at IS NULL
), fresh AS (
    INSERT INTO recommender_eventkey (id, catalog_id)
    SELECT DISTINCT key, {catalog}::bigint FROM known
    WHERE NOT is_refused AND (product IS NULL OR product_pk IS NOT NULL) ORDER BY key
    ON CONFLICT DO NOTHING RETURNING id
), taken AS (
    SELECT DISTINCT ON (k.key) k.* FROM known k JOIN fresh f ON f.id = k.key
    WHERE NOT k.is_refused AND (k.product IS NULL OR k.product_pk IS NOT NULL)
    ORDER BY k.key, k.row
), users AS (
    INSERT INTO recommender_user AS u
        (catalog_id, external_id, attributes, history_version, last_event_at, created_at,
         is_anonymous)
    SELECT {catalog}, e."user", '{{}}', bool_or(e.product_pk IS NOT NULL AND {matters})::int,
           max(e.at), now(), {anonymous}
    FROM taken e JOIN recommender_catalog c ON c.id = {catalog}
    GROUP BY e."user" ORDER BY e."user" COLLATE "C"
    ON CONFLICT (catalog_id, external_id) DO UPDATE SET
        history_version = u.history_version + excluded.history_version,
        last_event_at = greatest(u.last_event_at, excluded.last_event_at),
        is_anonymous = u.is_anonymous AND excluded.is_anonymous
    RETURNING u.id, u.external_id
), stored AS (
    INSERT INTO recommender_event
        (id, catalog_id, user_id, product_id, type, at, quantity, value, rec_id, query)
    SELECT t.key, {catalog}, u.id, t.product_pk, t.type, t.at, t.quantity, t.value, t.rec_id,
           t.query
    FROM taken t JOIN users u ON u.external_id = t."user"
), late AS (
    INSERT INTO recommender_lateday (catalog_id, day)
    SELECT DISTINCT {catalog}::bigint, (at AT TIME ZONE 'UTC')::date FROM taken
    WHERE at < now() - interval '1 day'
)
SELECT k.row, CASE WHEN k.is_refused THEN {known_user}
                   WHEN k.product IS NOT NULL AND k.product_pk IS NULL THEN {unknown}
                   WHEN t.row IS NOT NULL THEN {accepted} ELSE {duplicate} END
FROM known k LEFT JOIN taken t USING (row) ORDER BY k.row
""")

_IS_KNOWN = sql.SQL("""EXISTS (SELECT FROM recommender_user o WHERE o.catalog_id = {catalog}
    AND o.external_id = i."user" AND NOT o.is_anonymous)""")

_ARRAYS = sql.SQL("""
SELECT * FROM unnest(%s::int[], %s::uuid[], %s::text[], %s::text[], %s::text[],
                     %s::timestamptz[], %s::float8[], %s::float8[], %s::uuid[], %s::text[])
    AS i(row, key, "user", product, type, at, quantity, value, rec_id, query)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event as it was sent, checked; ids are the sender's."""

    type: str
    user: str
    product: str | None
    at: datetime
    id: str | None = None
    quantity: float | None = None
    value: float | None = None
    rec_id: UUID | None = None
    query: str | None = None  # what was searched for, or what led to the product


_content = attrgetter("user", "product", "type", "at", "quantity", "value", "rec_id", "query")


def key_of(catalog_id: int, client_id: str | None, *, anonymous: bool = False) -> UUID:
    """The event's id: the same for every repeat of a client's id, random where there is none."""
    # Apart: nobody takes the id of an event that the shop's server is yet to send.
    sender = "anonymous:" if anonymous else ""
    return uuid5(NAMESPACE_OID, f"{sender}{catalog_id}:{client_id}") if client_id else uuid4()


def ingest(catalog: Catalog, events: Sequence[NewEvent], *, anonymous: bool = False) -> list[str]:
    """Store events; ACCEPTED, DUPLICATE or UNKNOWN_PRODUCT for each, in order.

    Users that are not known are made. Every user with a new event that says something of taste
    has a new history version, so their profile is stale from the moment this commits.

    Args:
        anonymous: whether nobody vouches for who did it. Then an event of a user for whom somebody
            has vouched is KNOWN_USER, and not stored.

    Raises:
        Catalog.DoesNotExist: it has been deleted; or an IntegrityError, where it just is.
    """
    if not events:
        return []
    ensure_months(event.at for event in events)
    rows = [
        (row, key_of(catalog.pk, event.id, anonymous=anonymous), *_content(event))
        for row, event in enumerate(events)
    ]
    columns = list(map(list, zip(*rows, strict=True)))
    with transaction.atomic():
        taken = ingest_from(catalog, _ARRAYS, columns, anonymous=anonymous)
    if not taken:
        raise Catalog.DoesNotExist
    return [outcome for _, outcome in taken]


def ingest_from(
    catalog: Catalog,
    source: sql.SQL | sql.Composed,
    parameters: Sequence[object] = (),
    *,
    anonymous: bool = False,
) -> list[tuple[int, str]]:
    """Store events from a SELECT; (row, outcome) for each row, in order.

    Args:
        source: a SELECT of row, key, "user", product, type, at, quantity, value, rec_id and
            query, as in the arrays above. The months of its times must exist.
        anonymous: as of `ingest`.
    """
    own = sql.Literal(catalog.pk)
    query = _INGEST.format(
        source=source,
        catalog=own,
        merged=aliases.MERGED.format(catalog=own, name=sql.SQL("i.product")),
        refused=_IS_KNOWN.format(catalog=own) if anonymous else sql.SQL("false"),
        anonymous=sql.Literal(anonymous),
        matters=reader.MATTERS,
        known_user=sql.Literal(KNOWN_USER),
        unknown=sql.Literal(UNKNOWN_PRODUCT),
        accepted=sql.Literal(ACCEPTED),
        duplicate=sql.Literal(DUPLICATE),
    )
    return [(row, outcome) for row, outcome in database.fetch(query, parameters)]


# Clocks differ; an event further ahead than this is a mistake.
_TOLERANCE = timedelta(days=1)
WITHOUT_PRODUCT = "search"


def event_refusal(  # noqa: PLR0913 - the fields of an event
    types: Collection[str],
    *,
    type: str | None,  # noqa: A002 - the field's name
    user: str | None,
    product: str | None,
    at: datetime | None,
    quantity: float | None,
    value: float | None,
    oldest: timedelta | None = None,
    rating_scale: tuple[float, float] | None = None,
) -> tuple[str, str] | None:
    """The field that an event cannot be taken with, and why; None where it can.

    Args:
        types: those that the catalog has.
        oldest: how long ago it may have happened; settings.OLDEST_EVENT where not given.
        rating_scale: the catalog's, the worst and the best; where not given, any rating is taken.
    """
    given = {"user": user, "type": type, "at": at}
    missing = next((field for field, content in given.items() if not content), None)
    if missing is not None or at is None:
        return missing or "at", "is missing"
    if type is None or type not in types:
        return "type", f"is not one of {', '.join(sorted(types))}"
    return (
        _time_refusal(at, oldest)
        or _content_refusal(type, product, quantity, value)
        or _value_refusal(type, value, rating_scale)
    )


def _time_refusal(at: datetime, oldest: timedelta | None) -> tuple[str, str] | None:
    now = datetime.now(UTC)
    age = settings.OLDEST_EVENT if oldest is None else oldest
    if at > now + _TOLERANCE:
        return "at", "is in the future"
    if now - at > age:
        return "at", f"is more than {_days(age)} ago, which is as old as an event may be here"
    return None


def _content_refusal(
    event_type: str, product: str | None, quantity: float | None, value: float | None
) -> tuple[str, str] | None:
    if product is None and event_type != WITHOUT_PRODUCT:
        return "product", "is missing; only a search has none"
    if quantity is not None and quantity <= 0:
        return "quantity", "is 0 or less: cancelled or returned"
    if event_type == "purchase" and value is not None and value < 0:
        return "value", "is negative: cancelled or returned"
    return None


def _value_refusal(
    event_type: str, value: float | None, rating_scale: tuple[float, float] | None
) -> tuple[str, str] | None:
    if event_type == "rating" and value is None:
        return "value", "is missing; a rating has one"
    if event_type == "rating" and value is not None and rating_scale is not None:
        worst, best = rating_scale
        if not worst <= value <= best:
            scale = f"{worst:g} to {best:g}, the catalog's scale of ratings"
            return "value", f"is not from {scale}; change it by --rating-scale"
    if event_type == "view_portion" and value is not None and not 0 <= value <= 1:
        return "value", "is not from 0 to 1, the part that was seen"
    return None


def _days(age: timedelta) -> str:
    days = age / timedelta(days=1)
    return "1 day" if days == 1 else f"{days:,.4g} days" if days < 1 else f"{days:,.0f} days"
