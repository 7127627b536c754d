"""The learnt ranks of this process: read once, and used until another is active."""

from functools import lru_cache

import structlog

from recommender.models import Ranker as RankerRow
from recommender.ranking import storage
from recommender.ranking.fusion import FusionRanker
from recommender.ranking.ranker import Ranker

log = structlog.get_logger()

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
    """A row is never changed, only switched from; one gone or of another version is none."""
    row = RankerRow.objects.filter(pk=row_id).first()
    if row is None:
        return _FUSION
    try:
        return storage.from_bytes(row.kind, bytes(row.model))
    except ValueError as exc:
        log.warning("fusion ranks: a stored rank cannot be read", ranker=row_id, error=str(exc))
        return _FUSION
