"""The learnt ranks of this process: read once, and used until another is active."""

from functools import lru_cache

from recommender.models import Ranker as RankerRow
from recommender.ranking import storage
from recommender.ranking.fusion import FusionRanker
from recommender.ranking.ranker import Ranker

_FUSION = FusionRanker()


def of(row_id: int | None) -> Ranker:
    """The rank in this row of the table; fusion where there is none."""
    return _FUSION if row_id is None else _read(row_id)


def active(catalog_id: int, mode: str) -> Ranker:
    """The rank that is active for a catalogue's lists of this mode; fusion where none is."""
    rows = RankerRow.objects.filter(catalog_id=catalog_id, mode=mode, is_active=True)
    return of(rows.values_list("pk", flat=True).first())


@lru_cache(maxsize=64)
def _read(row_id: int) -> Ranker:
    """A row is never changed, only switched from."""
    row = RankerRow.objects.get(pk=row_id)
    return storage.from_bytes(row.kind, bytes(row.model))
