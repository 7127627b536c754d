"""Where a search for certain words leads instead of to products."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from threading import Lock

from cachetools import TTLCache, cached

from recommender import database
from recommender.models import Catalog
from recommender.retrieval.vocabulary import QueryWord

# A change counts within so long.
_SECONDS = 10.0
_MOST_REMEMBERED = 1000
# Of a catalog so many searches count, the first that were written.
_MOST_SEARCHES = 20_000

_READ = """
SELECT tsvector_to_array(to_tsvector(l.config, w.text)), r.address, r.category
FROM recommender_searchredirect r JOIN kinship_languages l ON l.catalog_id = r.catalog_id,
LATERAL unnest(r.words) WITH ORDINALITY w(text, place)
WHERE r.catalog_id = %s ORDER BY r.id, w.place LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Redirect:
    """A place: an address, or a category's path; the other is None."""

    address: str | None
    category: str | None


_remembered: TTLCache[int, Mapping[frozenset[str], Redirect]] = TTLCache(_MOST_REMEMBERED, _SECONDS)


def find(catalog: Catalog, words: Sequence[QueryWord]) -> Redirect | None:
    """Where all words of a search together lead: as they are typed, else as they are meant."""
    known = _known(catalog) if words else {}
    if not known:
        return None
    typed = known.get(_stems(word.terms[0].stems for word in words))
    return typed or known.get(_stems(word.terms[bool(word.meant)].stems for word in words))


def forget() -> None:
    """Read those of all catalogs anew."""
    _remembered.clear()


def _stems(terms: Iterable[Iterable[str]]) -> frozenset[str]:
    return frozenset(stem for term in terms for stem in term)


@cached(_remembered, key=attrgetter("pk"), lock=Lock())
def _known(catalog: Catalog) -> Mapping[frozenset[str], Redirect]:
    known: dict[frozenset[str], Redirect] = {}
    for stems, address, category in database.fetch(_READ, (catalog.pk, _MOST_SEARCHES)):
        if stems:  # none of them is left of stop words alone
            known.setdefault(frozenset(stems), Redirect(address or None, category or None))
    return known
