"""Products for a user, live: what is stored, what is new since, and one ranked list."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial

from psycopg import sql

from recommender import database
from recommender.engine import completion, popular, ranking, retrieval
from recommender.engine.answer import PURCHASED, SEEN, Answer, Item, Query
from recommender.engine.ranking import Candidate, Ranked
from recommender.engine.retrieval import Neighbour, Source
from recommender.models import Catalog, ProfileVector, Space
from recommender.profiles import builder, history, interests
from recommender.profiles.builder import ProfileRow
from recommender.spaces import partitions, serving
from recommender.spaces.serving import ServingSpace

# Of what is popular, or was had before, so many for every product asked for. Of each interest
# as many neighbours as are asked for: they are pooled, and more gain nothing.
LISTED = 2
_SHORT_TERM_KEY = -1
# Similarity to a power: near neighbours count, the long tail of so-so ones does not.
_SHARPNESS = 4
TEXT, REPEAT = "text", "repeat"

_USER = f"""
SELECT u.id, u.history_version, ARRAY(
    SELECT DISTINCT e.product_id FROM recommender_event e
    WHERE e.user_id = u.id AND e.product_id IS NOT NULL AND e.type = ANY(%(own)s)
      AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s)
), {serving.COLUMNS} FROM recommender_user u
LEFT JOIN recommender_space s
    ON s.catalog_id = u.catalog_id AND s.name = 'text' AND s.status = 'active'
WHERE u.catalog_id = %(catalog)s AND u.external_id = %(user)s
"""  # noqa: S608 - built from constants

# Of this version or of a later one: an event may come in while the answer is made.
_STORED = sql.SQL("""
SELECT CASE kind WHEN 'short_term' THEN {recent} ELSE position END, weight, product_id, embedding
FROM {profiles}
WHERE user_id = %(user)s AND history_version >= %(version)s AND embedding IS NOT NULL
""")

_IS_FRESH = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE user_id = %s AND history_version >= %s)")

_GIVEN = sql.SQL("""
SELECT key, weight, anchor, embedding::halfvec FROM
unnest(%(keys)s::int[], %(weights)s::float8[], %(anchors)s::bigint[], %(vectors)s::text[])
    AS given(key, weight, anchor, embedding)
""")


@dataclass(frozen=True, slots=True)
class Subject:
    """The user whom an answer is for."""

    pk: int
    history_version: int
    excluded: tuple[int, ...]
    space: ServingSpace | None


def recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    """The products for a user, best first.

    A user who is new, or of whose history nothing has a vector, gets what is popular; the
    answer says so in `fallback`, and a user nobody knows is in `missing_ids`.
    """
    return serving.answered(partial(_recommend, catalog, external_id, query))


def _recommend(catalog: Catalog, external_id: str, query: Query) -> Answer:
    subject = find(catalog, external_id, query)
    if subject is None:
        return completion.fall_back(catalog, query, missing_ids=(external_id,))
    found = _personal(subject, query) if subject.history_version else []
    if not found or subject.space is None:
        return completion.fall_back(catalog, query, excluded=subject.excluded)
    standing = popular.popular(
        catalog,
        LISTED * query.count,
        filter=query.filter,
        excluded=subject.excluded,
        before=query.before,
    )
    own = [] if query.exclude else repeats(catalog, subject.pk, query)
    ranked = rank(found, standing, own, query.count)
    items = {item.id: item for item in map(as_item, ranked)}
    completion.fill(catalog, items, query, excluded=subject.excluded, filter=query.filter)
    return completion.complete(
        catalog,
        list(items.values()),
        query,
        excluded=subject.excluded,
        spaces=(subject.space.label,),
    )


def find(catalog: Catalog, external_id: str, query: Query) -> Subject | None:
    """The user, what of their own is left out, and the space that serves; one round trip."""
    parameters = {
        "catalog": catalog.pk,
        "user": external_id,
        "own": own_types(catalog, query),
        "before": query.before,
    }
    rows = database.fetch(_USER, parameters)
    if not rows:
        return None
    pk, version, excluded, *columns = rows[0]
    space = ServingSpace(*columns) if columns[0] is not None else None
    return Subject(pk, version, tuple(excluded), space)


def own_types(catalog: Catalog, query: Query) -> list[str]:
    """The types of event whose products an answer leaves out."""
    if SEEN in query.exclude:
        return [kind for kind, weight in catalog.event_weights.items() if weight]
    return ["purchase"] if PURCHASED in query.exclude else []


def rank(
    neighbours: Sequence[Neighbour],
    standing: Sequence[Candidate],
    own: Sequence[Candidate],
    count: int,
) -> list[Ranked]:
    """One list from the channels; a channel with nothing to say is not among the parts."""
    channels = {
        # Interests and the short-term vector pooled: a space is one voice among the channels.
        TEXT: _channel(neighbours),
        popular.POPULAR: standing,
        REPEAT: own,
    }
    return ranking.fuse({name: found for name, found in channels.items() if found}, count)


def repeats(catalog: Catalog, user_id: int, query: Query) -> list[Candidate]:
    """The user's own products by how much and how lately they wanted them."""
    own = history.load([user_id], catalog.event_weights, query.before).get(user_id)
    if own is None:
        return []
    weights = interests.decayed(own.weights, own.times, catalog.half_life_days)
    ids, sums = interests.product_weights(own.product_ids, weights)
    best = ids[(-sums).argsort(kind="stable")][: LISTED * query.count]
    return retrieval.available(catalog.pk, best.tolist(), query.filter)


def as_item(ranked: Ranked) -> Item:
    """A ranked product as an answer has it."""
    return Item(ranked.id, ranked.score, ranked.channel, ranked.parts, ranked.because)


def _personal(subject: Subject, query: Query) -> list[Neighbour]:
    """Neighbours of the profile; of one built for the occasion where history ends earlier."""
    if subject.space is None:
        return []
    space = subject.space
    if query.before is not None:
        row = Space.objects.select_related("catalog").get(pk=space.pk)
        profile = builder.build(row, [subject.pk], query.before).get(subject.pk, [])
        return nearest_to(space, given(profile), query, subject.excluded)
    found = nearest_to(space, _stored(subject, space), query, subject.excluded)
    if found:
        return found
    if not _is_fresh(subject, space):
        builder.refresh(Space.objects.select_related("catalog").get(pk=space.pk), [subject.pk])
    # Where it is fresh, too: another request may have built it since it was looked for.
    return nearest_to(space, _stored(subject, space), query, subject.excluded)


def nearest_to(
    space: ServingSpace, source: Source, query: Query, excluded: Sequence[int]
) -> list[Neighbour]:
    """The neighbours of a profile that may be recommended."""
    return retrieval.nearest(
        space, source, limit=query.count, filter=query.filter, excluded=excluded
    )


def given(profile: Sequence[ProfileRow]) -> Source:
    """A profile that is in memory, as a source of query vectors."""
    recent = ProfileVector.Kind.SHORT_TERM
    return Source(
        "given",
        _GIVEN,
        {
            "keys": [_SHORT_TERM_KEY if row.kind == recent else row.position for row in profile],
            "weights": [row.weight for row in profile],
            "anchors": [row.product_id for row in profile],
            "vectors": [builder.to_text(row.vector) for row in profile],
        },
    )


def _stored(subject: Subject, space: ServingSpace) -> Source:
    parameters = {"user": subject.pk, "version": subject.history_version}
    return Source("stored", _stored_select(space.pk), parameters)


@cache
def _stored_select(space_id: int) -> sql.Composed:
    return _STORED.format(
        profiles=partitions.profile_vectors(space_id), recent=sql.Literal(_SHORT_TERM_KEY)
    )


def _is_fresh(subject: Subject, space: ServingSpace) -> bool:
    query = _IS_FRESH.format(partitions.profile_vectors(space.pk))
    return bool(database.fetch(query, (subject.pk, subject.history_version))[0][0])


def _channel(neighbours: Iterable[Neighbour]) -> list[Candidate]:
    return ranking.pool(
        (n.external_id, n.weight * max(0.0, n.similarity) ** _SHARPNESS, n.anchor)
        for n in neighbours
    )
