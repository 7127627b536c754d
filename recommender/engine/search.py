"""Products for a text: by their words, by their meaning and by their ids, for a user or for all.

Each way to find products gives a list with scores, of which `combination` makes one. With a user,
their rank of the candidates is one more list.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from recommender import time_budget
from recommender.engine import backfill, control, meaning, taste, trace
from recommender.engine.answer import Answer, Item, Query
from recommender.engine.candidates import SEARCHED, Cause
from recommender.engine.combination import Found, ScoredList, best_first, combined, paged
from recommender.engine.given_history import GivenEvent
from recommender.engine.meaning import Meant
from recommender.engine.taste import Taste
from recommender.models import Catalog
from recommender.ranking.ranker import reciprocal_rank
from recommender.retrieval import (
    content_spaces,
    facets,
    highlights,
    lookup,
    matches,
    search_outcomes,
    synonyms,
    text_search,
    vocabulary,
)
from recommender.retrieval.content_spaces import ContentSpace
from recommender.retrieval.facets import FacetAsked, Facets
from recommender.retrieval.matches import Matches, SortKey
from recommender.retrieval.search_outcomes import Outcome
from recommender.retrieval.text_search import Match
from recommender.retrieval.vocabulary import QueryWord
from recommender.spaces import switching
from recommender.time_budget import TIMEOUT, TimeUpError

# The names of lists, as contributions to a score; a space's list has the space's name.
BY_ID, WORDS, CHOSEN, PERSONAL = "id", "words", "chosen", "personal"

# Each list is so long at least, and so many times as long as the answer.
_PROPOSALS, _PROPOSALS_A_PLACE = 100, 2
# What the best of each list is worth: by words, a product that has all of them in its title; by
# the user's taste, at full weight.
_WORDS_WORTH, _TASTE_WORTH = 1.0, 0.5
# What all users chose after the same search, if it was one product.
_CHOSEN_WORTH = 1.0
# An exact id is what was asked for, whatever else there is.
_ID_WORTH = 10.0
# How many of those that were found, but not listed, an answer tells for its next page.
_TAIL = 100
# Of the time that is left for it; without it there is a list, too.
_SHARE = 0.6
# How much a user's taste counts where nobody says.
DEFAULT_PERSONAL = 0.5
_CAUSE = Cause("", event=SEARCHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What is searched for, checked."""

    text: str  # "" where something else is searched for
    query: Query
    picture: str | None = None
    products: Sequence[GivenEvent] = ()  # what is found is like these, or unlike
    user: str | None = None  # whose taste counts
    given: Sequence[GivenEvent] = ()  # products and events that count as their latest
    personal: float = 0.0  # how much it counts beside the words, 0 to 1
    lists: Collection[str] | None = None  # by name, those that count; None for all
    sort: Sequence[SortKey] = ()  # instead of by relevance
    facets: Sequence[FacetAsked] = ()
    highlight: bool = False  # whether items say where they have the words


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAnswer:
    """The products that were found, and how."""

    answer: Answer
    words: Sequence[QueryWord]
    meant: str  # the text without what seems misspelt
    has_all: bool  # whether some product has all of the words
    matches: Matches | None = None  # all that the text is about, where facets are asked for
    facets: Facets = field(default_factory=Facets)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A text as the catalog has it, and the products that have its words or its id."""

    words: Sequence[QueryWord]
    meant: str
    by_words: Sequence[Match]
    by_id: Sequence[tuple[int, str]]
    chosen: Sequence[Outcome]  # what users chose after the same search
    spaces: Sequence[ContentSpace]  # those that may tell what is meant

    @property
    def has_all(self) -> bool:
        return any(match.has_all for match in self.by_words)


@dataclass(slots=True, kw_only=True)
class _Ranked:
    """What was found, the best first, and what is to be said of how."""

    found: list[Found]
    spaces: tuple[str, ...] = ()
    degraded: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def search(catalog: Catalog, asked: SearchQuery) -> SearchAnswer:
    """The available products that a text asks for, the best first.

    Where nothing is found the answer is what is popular, and says so in `fallback`. A model that
    cannot be asked costs the answer its list alone, and the answer says so in `degraded`.
    """
    searched: list[SearchAnswer] = []

    def make(query: Query) -> Answer:
        searched.append(switching.answered(partial(_search, catalog, replace(asked, query=query))))
        return searched[-1].answer

    answer = control.controlled(catalog, asked.query, make)
    found = replace(searched[0], answer=answer)
    if found.matches is not None:
        with trace.stage("facets"):
            found = replace(found, facets=facets.count(found.matches, asked.facets))
            trace.note(products=found.facets.products)
    if asked.highlight:
        with trace.stage("highlight"):
            found = replace(found, answer=_highlighted(catalog, found.words, answer))
    return found


def _search(catalog: Catalog, asked: SearchQuery) -> SearchAnswer:
    query = asked.query
    # What was shown before is found again, and left out.
    limit = max(_PROPOSALS, _PROPOSALS_A_PLACE * query.count) + len(query.after.shown)
    with trace.stage("words"):
        read = _read(catalog, asked, limit)
    rank = _in_order if asked.sort else _by_worth
    ranked = rank(catalog, asked, read, limit)
    page, rest = paged(ranked.found, query)
    answer = _answer(catalog, query, page, ranked.spaces, ranked.missing)
    return SearchAnswer(
        answer=replace(
            answer,
            degraded={**answer.degraded, **ranked.degraded},
            tail=tuple(one.product_id for one in rest[:_TAIL]),
        ),
        words=read.words,
        meant=read.meant,
        has_all=read.has_all,
        matches=_matches(catalog, query, read, ranked.found) if asked.facets else None,
    )


def _read(catalog: Catalog, asked: SearchQuery, limit: int) -> _Read:
    query = asked.query
    if not asked.text:
        spaces = content_spaces.active(catalog).fetch()
        return _Read(words=[], meant="", by_words=[], by_id=[], chosen=[], spaces=spaces)
    words = synonyms.applied(catalog, vocabulary.look_up(catalog, asked.text))
    meant = vocabulary.meant(asked.text, words)
    most = query.count + len(query.after.shown)
    by_words, by_id, chosen, spaces = lookup.together(
        text_search.by_words(catalog, words, limit=limit, filter=query.filter),
        text_search.by_id(catalog, asked.text, limit=most, filter=query.filter),
        search_outcomes.find(catalog, meant, query.filter),
        content_spaces.active(catalog),
    )
    return _Read(
        words=words, meant=meant, by_words=by_words, by_id=by_id, chosen=chosen, spaces=spaces
    )


def _by_worth(catalog: Catalog, asked: SearchQuery, read: _Read, limit: int) -> _Ranked:
    query = asked.query
    with trace.stage("meaning"):
        meant = Meant(text=read.meant, picture=asked.picture, products=asked.products)
        near = meaning.find(catalog, query, meant, read.spaces, limit)
    with trace.stage("combine"):
        lists = [_by_id(read), _by_words(catalog, read), *near.lists, _by_outcome(read)]
        used = [one for one in lists if asked.lists is None or one.name in asked.lists]
        found = combined(used, query.after.shown)
        trace.note(**{one.name: len(one.products) for one in used}, found=len(found))
    degraded = near.degraded
    ranked = _Ranked(found=found, spaces=near.spaces, degraded=degraded, missing=near.missing)
    if asked.personal and found and (asked.user is not None or asked.given):
        with trace.stage("personal"):
            told = taste.of(catalog, asked.user, asked.given, query)
            try:
                with time_budget.a_part(_SHARE):
                    ranked.found = _by_taste(catalog, asked, found, told)
            except TimeUpError:
                degraded[PERSONAL] = TIMEOUT
        ranked.missing = (*near.missing, *told.missing)
        if told.degraded is not None:
            degraded[PERSONAL] = told.degraded
    return ranked


def _by_outcome(read: _Read) -> ScoredList:
    """What users chose after the same search."""
    return ScoredList(
        CHOSEN,
        [(one.product_id, one.external_id, _CHOSEN_WORTH * one.share) for one in read.chosen],
    )


def _by_taste(
    catalog: Catalog, asked: SearchQuery, found: Sequence[Found], told: Taste
) -> list[Found]:
    """The same with the rank of whoever asks as one more list, without what they leave out."""
    if told.user is None:
        return list(found)
    excluded = set(told.user.excluded.tolist())
    kept = [one for one in found if one.product_id not in excluded]
    worths = told.worths(catalog, [one.product_id for one in kept], asked.query)
    for one in kept:
        if one.product_id in worths:
            one.add(PERSONAL, asked.personal * _TASTE_WORTH * worths[one.product_id])
    return best_first(kept)


def _in_order(catalog: Catalog, asked: SearchQuery, read: _Read, limit: int) -> _Ranked:
    """Only what has the words or the id: what is near in meaning alone would be at the top by its
    price. Their places are their scores."""
    shown = set(asked.query.after.shown)
    with trace.stage("sort"):
        everything = _matches(catalog, asked.query, read, ())
        ordered = matches.in_order(everything, asked.sort, limit)
        trace.note(found=len(ordered.products))
    found = [
        Found(key, external_id, {WORDS: score}, score)
        for key, external_id, score in _by_place(ordered.products)
        if key not in shown
    ]
    return _Ranked(found=found, degraded={} if ordered.is_complete else {"sort": matches.TOO_MANY})


def _by_place(products: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str, float]]:
    for place, (key, external_id) in enumerate(products, start=1):
        yield key, external_id, reciprocal_rank(place)


def _matches(catalog: Catalog, query: Query, read: _Read, found: Sequence[Found]) -> Matches:
    """What has the words or the id; where nothing has, what was found otherwise."""
    given = [key for key, _ in read.by_id]
    if not read.by_words and not given:
        given = [one.product_id for one in found]
    return matches.of(catalog, read.words, has_all=read.has_all, given=given, filter=query.filter)


def _highlighted(catalog: Catalog, words: Sequence[QueryWord], answer: Answer) -> Answer:
    marked = highlights.highlights(catalog, words, [item.id for item in answer.items])
    items = (replace(item, highlights=marked.get(item.id, {})) for item in answer.items)
    return replace(answer, items=tuple(items))


def _by_id(read: _Read) -> ScoredList:
    ranked = enumerate(read.by_id, start=1)
    return ScoredList(BY_ID, [(key, name, _ID_WORTH / rank) for rank, (key, name) in ranked])


def _by_words(catalog: Catalog, read: _Read) -> ScoredList:
    if not read.words:
        return ScoredList(WORDS, [])
    scale = _WORDS_WORTH / text_search.best_score(read.words, catalog.words_counted_of)
    return ScoredList(
        WORDS, [(m.product_id, m.external_id, scale * m.score) for m in read.by_words]
    )


def _answer(
    catalog: Catalog,
    query: Query,
    found: Sequence[Found],
    spaces: tuple[str, ...],
    missing: tuple[str, ...],
) -> Answer:
    if not found:
        return backfill.fall_back(catalog, query, missing_ids=missing)
    items = [
        Item(
            one.external_id,
            one.score,
            max(one.contributions, key=lambda name: (one.contributions[name], name)),
            one.contributions,
            cause=_CAUSE,
        )
        for one in found
    ]
    return backfill.complete(catalog, items, query, spaces=spaces, missing_ids=missing)
