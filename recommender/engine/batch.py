"""Recommendations for many users: the channels and the rank of live answers, read in bulk."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from recommender import database
from recommender.engine import completion, popular, recommend
from recommender.engine.answer import Item, Query
from recommender.engine.ranking import Candidate
from recommender.models import Catalog, Space
from recommender.profiles import builder
from recommender.profiles.builder import ProfileRow
from recommender.spaces import serving
from recommender.spaces.lifecycle import active_space
from recommender.spaces.serving import ServingSpace

_CHUNK = 250
# Of what is popular, this many more than a list takes are read once for all: who has had more of
# it than that finds less of it in the list.
_STANDING = 1000

_USERS = """
SELECT u.external_id, u.id FROM recommender_user u
WHERE u.catalog_id = %s AND u.external_id = ANY(%s)
"""

_OWN = """
SELECT e.user_id, array_agg(DISTINCT e.product_id), array_agg(DISTINCT p.external_id)
FROM recommender_event e JOIN recommender_product p ON p.id = e.product_id
WHERE e.user_id = ANY(%(users)s) AND e.type = ANY(%(own)s)
  AND (%(before)s::timestamptz IS NULL OR e.at < %(before)s)
GROUP BY e.user_id
"""

_ALL = """
SELECT id, external_id FROM recommender_user WHERE catalog_id = %s AND id > %s ORDER BY id LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A user's list; `known` is False for a user the catalogue has never seen."""

    user: str
    items: tuple[Item, ...]
    known: bool


@dataclass(frozen=True, slots=True)
class _Own:
    """A user's own products, which an answer leaves out, by key and by id."""

    pks: tuple[int, ...] = ()
    ids: frozenset[str] = frozenset()


def all_users(catalog: Catalog) -> Iterator[str]:
    """Every user of a catalogue, read page by page."""
    after = 0
    while rows := database.fetch(_ALL, (catalog.pk, after, 1000)):
        yield from (external_id for _, external_id in rows)
        after = rows[-1][0]


def recommend_many(
    catalog: Catalog, users: Iterator[str], query: Query, *, space: Space | None = None
) -> Iterator[Recommendation]:
    """The products for each user, in their order, with bounded memory.

    Profiles are built from events before `query.before`, or from all of them, and not read
    from what is stored: a batch of a past day needs those of that day.

    Args:
        space: of this catalogue; by default the one that serves when the batch begins, and for
            the users who are left when that one is retired, the one that serves then.

    Raises:
        django.db.ProgrammingError: the given space was retired.
    """
    limit = _STANDING + recommend.LISTED * query.count
    standing = popular.popular(catalog, limit, filter=query.filter, before=query.before)
    first = active_space(catalog.pk)

    def recommend_chunk(chunk: Sequence[str]) -> list[Recommendation]:
        used = space or _or_its_successor(first)
        return list(_recommend_chunk(catalog, used, chunk, query, standing))

    while chunk := list(islice(users, _CHUNK)):
        yield from serving.answered(partial(recommend_chunk, chunk))


def _or_its_successor(first: Space | None) -> Space | None:
    """The same space until it is retired, so that one list of a batch is like the next."""
    if first is None:
        return None
    kept = Space.objects.filter(pk=first.pk).exclude(status=Space.Status.RETIRED)
    return kept.select_related("catalog").first() or active_space(first.catalog_id, first.name)


def _recommend_chunk(
    catalog: Catalog,
    space: Space | None,
    users: Sequence[str],
    query: Query,
    standing: Sequence[Candidate],
) -> Iterator[Recommendation]:
    known: dict[str, int] = {row[0]: row[1] for row in database.fetch(_USERS, (catalog.pk, users))}
    pks = list(known.values())
    own = _own_products(catalog, pks, query)
    profiles = builder.build(space, pks, query.before) if space else {}
    served = serving.serving(space) if space else None
    for user in users:
        pk = known.get(user)
        mine = own.get(pk, _Own()) if pk else _Own()
        profile = profiles.get(pk, []) if pk else []
        items = _one(catalog, served, pk, profile, mine, query, standing)
        yield Recommendation(user, tuple(items), pk is not None)


def _one(
    catalog: Catalog,
    space: ServingSpace | None,
    pk: int | None,
    profile: Sequence[ProfileRow],
    own: _Own,
    query: Query,
    standing: Sequence[Candidate],
) -> list[Item]:
    found = []
    if space is not None and profile:
        found = recommend.nearest_to(space, recommend.given(profile), query, own.pks)
    unseen = [candidate for candidate in standing if candidate.id not in own.ids]
    repeats = [] if query.exclude or pk is None else recommend.repeats(catalog, pk, query)
    listed = unseen[: recommend.LISTED * query.count]
    ranked = recommend.rank(found, listed, repeats, query.count)
    items = {item.id: item for item in map(recommend.as_item, ranked)}
    completion.fill(catalog, items, query, excluded=own.pks, filter=query.filter)
    return list(items.values())


def _own_products(catalog: Catalog, users: Sequence[int], query: Query) -> dict[int, _Own]:
    parameters = {
        "users": list(users),
        "own": recommend.own_types(catalog, query),
        "before": query.before,
    }
    rows = database.fetch(_OWN, parameters)
    return {user: _Own(tuple(pks), frozenset(ids)) for user, pks, ids in rows}
