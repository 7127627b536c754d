"""The synonyms of a catalog, and the words of a query with what else they stand for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from threading import Lock

from cachetools import TTLCache, cached
from psycopg import sql

from recommender import database
from recommender.models import Catalog
from recommender.models.synonyms import MOST_IN_A_PHRASE
from recommender.retrieval.vocabulary import QueryWord, Term

# A change counts within so long.
_SECONDS = 10.0
_MOST_REMEMBERED = 1000
# Of one word so many synonyms count, the first that were written; of a catalog so many phrases.
_MOST_OF_A_WORD = 10
_MOST_PHRASES = 20_000

# A row a phrase: of which synonyms, whether it is a meaning, its stems, and how many products have
# all of them, at most. A phrase of stop words alone has no stems.
_READ = sql.SQL("""
SELECT s.id, phrase.is_meaning, phrase.text, stems.stems, (
    SELECT min(counted.products) FROM unnest(stems.stems) wanted(stem), LATERAL (
        SELECT COALESCE(sum(w.products), 0)::bigint AS products FROM recommender_searchword w
        WHERE w.catalog_id = {catalog} AND w.stem = wanted.stem
    ) counted
)
FROM recommender_synonyms s JOIN kinship_languages l ON l.catalog_id = s.catalog_id,
LATERAL (
    SELECT false AS is_meaning, text, place FROM unnest(s.words) WITH ORDINALITY w(text, place)
    UNION ALL
    SELECT true, text, place FROM unnest(s.meaning) WITH ORDINALITY m(text, place)
) phrase,
LATERAL (SELECT tsvector_to_array(to_tsvector(l.config, phrase.text)) AS stems) stems
WHERE s.catalog_id = {catalog} AND cardinality(stems.stems) > 0
ORDER BY s.id, phrase.is_meaning, phrase.place LIMIT {most}
""")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A word or phrase as it was written, and what it is looked for as."""

    text: str
    term: Term

    @property
    def stems(self) -> frozenset[str]:
        return frozenset(self.term.stems)


# By the stems of a phrase, what it stands for.
_Dictionary = Mapping[frozenset[str], Sequence[_Phrase]]
_remembered: TTLCache[int, _Dictionary] = TTLCache(_MOST_REMEMBERED, _SECONDS)


def applied(catalog: Catalog, words: Sequence[QueryWord]) -> list[QueryWord]:
    """The words of a query, each with the synonyms of it or of the phrase that it is part of.

    A word that no product has and that has a synonym is no misspelling of another.
    """
    known = _dictionary(catalog)
    widened = list(words)
    if not known:
        return widened
    for places in _windows(len(words)):
        for phrase in _looked_up(known, [words[place] for place in places]):
            for place in places:
                widened[place] = _with(widened[place], phrase)
    return widened


def forget() -> None:
    """Read all catalogs' synonyms anew."""
    _remembered.clear()


def _windows(number: int) -> Iterator[range]:
    """The places of words that are in a row, the longest phrases first."""
    for size in range(min(MOST_IN_A_PHRASE, number), 0, -1):
        for start in range(number - size + 1):
            yield range(start, start + size)


def _looked_up(known: _Dictionary, words: Sequence[QueryWord]) -> Sequence[_Phrase]:
    """What the words stand for as they are typed; else as they are meant."""
    typed = known.get(frozenset(stem for word in words for stem in word.terms[0].stems))
    if typed or not any(word.meant for word in words):
        return typed or ()
    return known.get(frozenset(stem for word in words for stem in _meant(word)), ())


def _meant(word: QueryWord) -> tuple[str, ...]:
    """The stems of a word, or of the likeliest that it is a misspelling of."""
    return word.terms[1 if word.meant else 0].stems


def _with(word: QueryWord, phrase: _Phrase) -> QueryWord:
    if phrase.term in word.terms or len(word.synonyms) >= _MOST_OF_A_WORD:
        return word
    synonyms = dict(word.synonyms) | {phrase.text: phrase.term}
    if word.terms[0].products:
        return replace(word, synonyms=tuple(synonyms.items()))
    return replace(word, synonyms=tuple(synonyms.items()), terms=word.terms[:1], meant="")


@cached(_remembered, key=attrgetter("pk"), lock=Lock())
def _dictionary(catalog: Catalog) -> _Dictionary:
    query = _READ.format(catalog=sql.Literal(catalog.pk), most=sql.Literal(_MOST_PHRASES))
    groups: defaultdict[int, tuple[list[_Phrase], list[_Phrase]]] = defaultdict(lambda: ([], []))
    for key, is_meaning, text, stems, products in database.fetch(query):
        groups[key][is_meaning].append(_Phrase(text, Term(tuple(stems), products)))
    known: defaultdict[frozenset[str], list[_Phrase]] = defaultdict(list)
    for words, meaning in groups.values():
        for word in words:
            others = meaning or [other for other in words if other.stems != word.stems]
            known[word.stems].extend(others)
    return known
