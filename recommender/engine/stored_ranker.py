"""The learnt ranks that PostgreSQL keeps, remembered by the process: no request reads one again."""

from functools import lru_cache

import structlog

from recommender.models import Ranker as RankerRow
from recommender.ranking import blend
from recommender.ranking.ranker import FusionRanker, Ranker

log = structlog.get_logger()

_FUSION = FusionRanker()


def ranker_of(row_id: int | None) -> Ranker:
    """The rank in this row of the table; fusion where there is none."""
    return _FUSION if row_id is None else _read_ranker(row_id)


def told_of_ranker(ranker: Ranker, row_id: int | None) -> dict[str, int | str | None]:
    """What a trace says of the rank in this row."""
    told: dict[str, int | str | None] = {"ranker": ranker.kind, "ranker_id": row_id}
    if row_id is not None:
        learnt = RankerRow.objects.filter(pk=row_id).values_list("trained_until", flat=True)
        told["trained_until"] = next((until.isoformat() for until in learnt), None)
    return told


def active_ranker(catalog_id: int, mode: str) -> Ranker:
    """The rank that is active for a catalog's lists of this mode; fusion where none is."""
    rows = RankerRow.objects.filter(catalog_id=catalog_id, mode=mode, is_active=True)
    return ranker_of(rows.values_list("pk", flat=True).first())


@lru_cache(maxsize=64)
def _read_ranker(row_id: int) -> Ranker:
    """A row is never changed, only switched from; one gone or of another version is none."""
    row = RankerRow.objects.filter(pk=row_id).first()
    if row is None:
        return _FUSION
    try:
        return blend.from_bytes(row.kind, bytes(row.model))
    except ValueError as exc:
        log.warning("fusion ranks: a stored rank cannot be read", ranker=row_id, error=str(exc))
        return _FUSION
