"""The products nearest in meaning to a text, a picture or products, in every space that tells."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TypeVar

import structlog
from cachetools import LRUCache
from psycopg import sql

from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import BudgetSpent, EmbeddingError, Misconfigured, Rejected, Unavailable
from embeddings.types import Input, Role, SparseVector
from recommender import time_budget
from recommender.engine.answer import Query
from recommender.engine.combination import ScoredList
from recommender.engine.given_history import GivenEvent
from recommender.engine.likeness import Likeness
from recommender.models import Catalog
from recommender.profiles import builder
from recommender.providers import metered
from recommender.providers.metered import Account, Effort
from recommender.providers.places import place
from recommender.retrieval import sparse_search, vector_search
from recommender.retrieval.content_spaces import ContentSpace
from recommender.retrieval.sparse_search import Alike
from recommender.retrieval.vector_search import Neighbour, QueryVectors
from recommender.spaces.switching import ServingSpace
from recommender.time_budget import TIMEOUT, TimeUpError

log = structlog.get_logger()

T = TypeVar("T")

# The kind of the lists of sparse vectors, and how their names begin.
SPARSE = "sparse"
# What the nearest of those that were found is worth, where a product that has all of the words in
# its title is worth 1.
_WORTH = 0.3
# A request does not wait for a provider as a worker does.
_EFFORT = Effort(attempts=1, patience=1.0)
# Of the time that is left: what has the words is to be listed without it, too.
_SHARE = 0.6
_REASONS: dict[type[EmbeddingError], str] = {
    Unavailable: "unavailable",
    BudgetSpent: "budget_spent",
    Misconfigured: "misconfigured",
    Rejected: "rejected",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What is searched for by its meaning; each may be missing."""

    text: str = ""
    picture: str | None = None  # its address, or a data URI
    products: Sequence[GivenEvent] = ()

    def inputs(self) -> dict[str, Input]:
        """What models read of it, by the list that it gives; a text's has the name of its space."""
        given = {}
        if self.text:
            given["{space}"] = Input(text=self.text)
        if self.picture is not None:
            given["picture:{space}"] = Input(images=(self.picture,))
        return given


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """The products near to what is meant, a list of each space and kind."""

    lists: Sequence[ScoredList]
    spaces: tuple[str, ...]
    missing: tuple[str, ...]  # ids of products that nobody knows
    degraded: dict[str, str]


class PictureError(ValueError):
    """A picture that cannot be read."""


def find(
    catalog: Catalog, query: Query, meant: Meant, spaces: Sequence[ContentSpace], limit: int
) -> Near:
    """The products nearest to what is meant in each space that can tell; why not in others.

    Raises:
        PictureError: the picture cannot be read.
    """
    searching = _Searching(query, limit)
    likeness = Likeness.of(catalog, meant.products)
    for space in spaces:
        for form, source in meant.inputs().items():
            searching.by_input(catalog, space, form, source)
        if space.output.is_dense:
            searching.by_likeness(space.serving, likeness)
    degraded = searching.degraded
    told = (*searching.lists, *degraded)
    if meant.picture is not None and not any(name.startswith("picture") for name in told):
        degraded["picture"] = "no_space"
    return Near(
        lists=[one.shared(len(alike)) for alike in searching.lists.values() for one in alike],
        spaces=tuple(sorted(searching.labels)),
        missing=likeness.missing,
        degraded=degraded,
    )


class _Searching:
    """What is found in each space, and why nothing in others."""

    def __init__(self, query: Query, limit: int) -> None:
        self._query, self._limit = query, limit
        self.lists: defaultdict[str, list[ScoredList]] = defaultdict(list)  # by kind
        self.labels: set[str] = set()
        self.degraded: dict[str, str] = {}

    def by_input(self, catalog: Catalog, space: ContentSpace, form: str, source: Input) -> None:
        """What is near to what the space's model makes of it, densely and sparsely."""
        name = form.format(space=space.serving.name)
        made = self._in_time(name, partial(_embedded, catalog, space, source))
        if made is None:
            return
        if made.dense is not None:
            densely = partial(self._near, space.serving, made.dense)
            self.lists[form] += self._found(name, space.serving, densely)
        if made.sparse is not None:
            sparsely = sparse_search.nearest(
                space.serving, made.sparse, limit=self._limit, filter=self._query.filter
            )
            name = f"{SPARSE}:{name}"
            self.lists[SPARSE] += self._found(name, space.serving, sparsely.fetch)

    def by_likeness(self, space: ServingSpace, likeness: Likeness) -> None:
        """What is near to the products that are given, without them."""
        vector = likeness.vector(space)
        if vector is None:
            return
        near = partial(self._near, space, builder.to_text(vector))
        found = self._found(f"like:{space.name}", space, near)
        self.lists["like"] += map(likeness.without, found)

    def _near(self, space: ServingSpace, vector: str) -> Sequence[Neighbour]:
        vectors = QueryVectors("text", _GIVEN, {"vector": vector})
        return vector_search.nearest(space, vectors, limit=self._limit, filter=self._query.filter)

    def _found(
        self,
        name: str,
        space: ServingSpace,
        search: Callable[[], Sequence[Neighbour] | Sequence[Alike]],
    ) -> Sequence[ScoredList]:
        """The list that a search gives; none where it finds nothing in its time."""
        near = self._in_time(name, search)
        if not near:
            return ()
        self.labels.add(space.label)
        # Models differ in how far apart their similarities are: those that were found are the
        # scale.
        best, worst = near[0].similarity, near[-1].similarity
        scale = _WORTH / (best - worst or 1)
        products = [(n.product_id, n.external_id, scale * (n.similarity - worst)) for n in near]
        return [ScoredList(name, products)]

    def _in_time(self, name: str, work: Callable[[], T]) -> T | None:
        """What some work gives; None where it cannot be done, or not in time, which is told."""
        try:
            with time_budget.a_part(_SHARE):
                return work()
        except TimeUpError:
            self.degraded[name] = TIMEOUT
        except EmbeddingError as exc:
            log.warning("search without a space", list=name, error=str(exc))
            self.degraded[name] = _reason(exc)
        return None


def _reason(error: EmbeddingError) -> str:
    """Why a model was not asked, as a code: what its provider says is for the log alone."""
    return next((code for kind, code in _REASONS.items() if isinstance(error, kind)), "failed")


@dataclass(frozen=True, slots=True)
class _Embedded:
    """What a model makes of an input: a dense vector, as PostgreSQL reads it, or a sparse one."""

    dense: str | None
    sparse: SparseVector | None


# Of models of this machine, by space and text: some 20 MB a process. What others gave is in the
# database, where it is metered.
_remembered: LRUCache[tuple[int, str], _Embedded] = LRUCache(4096)
_lock = Lock()


def _embedded(catalog: Catalog, space: ContentSpace, source: Input) -> _Embedded | None:
    """None where the space's model reads nothing of the kind.

    Raises:
        EmbeddingError: the model cannot be asked now, or makes nothing of it.
        PictureError: the picture cannot be read.
    """
    asked = (space.serving.pk, source.text or "")
    with _lock:
        known = None if source.images else _remembered.get(asked)
    if known is not None:
        return known
    embedder = space.embedder()
    if not source.modalities <= embedder.spec.modalities:
        return None
    # What costs nothing is not booked: all searches would write one row.
    account = Account(catalog) if embedder.spec.is_hosted else None
    with place(embedder.spec, [source]):
        row = metered.embed_rows(embedder, [source], Role.QUERY, account, _EFFORT)[0]
    if not isinstance(row, EmbeddedRow):
        if source.images and isinstance(row, Rejected):
            raise PictureError("The picture cannot be read: send a JPEG, PNG or WebP.") from row
        raise row
    dense = None if row.vector is None else builder.to_text(row.vector)
    made = _Embedded(dense, row.sparse)
    if account is None and not source.images:
        with _lock:
            _remembered[asked] = made
    return made


_GIVEN = sql.SQL("SELECT 0, 1::float8, NULL::bigint, %(vector)s::halfvec")
