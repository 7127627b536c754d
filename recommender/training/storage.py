"""Storing what was learnt: neighbours and rankers, and which ranker serves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from scipy.sparse import csr_array

from recommender import database
from recommender.models import Catalog, Ranker
from recommender.snapshot.reading import Products
from recommender.training.model_selection import Selection

# Rankers that served before, kept to go back to, of each mode.
_KEPT = 5


def store_neighbours(
    catalog: Catalog, products: Products, neighbours: Mapping[str, csr_array]
) -> int:
    """Replace a catalog's neighbours at once; how many rows there are now.

    Args:
        neighbours: by kind, products × products.
    """
    rows = 0
    with transaction.atomic():
        database.execute(
            "DELETE FROM recommender_productneighbor WHERE catalog_id = %s", (catalog.pk,)
        )
        statement = (
            "COPY recommender_productneighbor (catalog_id, product_id, kind, products, scores) "
            "FROM STDIN"
        )
        with database.copy(statement) as stream:
            for kind, matrix in neighbours.items():
                for row in np.flatnonzero(np.diff(matrix.indptr)):
                    start, end = matrix.indptr[row], matrix.indptr[row + 1]
                    order = np.argsort(-matrix.data[start:end], kind="stable")
                    keys = products.keys[matrix.indices[start:end][order]]
                    scores = matrix.data[start:end][order]
                    fields = (database.array_text(keys.tolist()), _floats(scores))
                    stream.write_row((catalog.pk, int(products.keys[row]), kind, *fields))
                    rows += 1
    database.execute("ANALYZE recommender_productneighbor")
    return rows


def store_ranker(catalog: Catalog, mode: str, selection: Selection, until: datetime) -> Ranker:
    """Have the selection's ranker serve a mode from the next answer on."""
    of_mode = Ranker.objects.filter(catalog=catalog, mode=mode)
    with transaction.atomic():
        Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        of_mode.filter(is_active=True).update(is_active=False)
        stored = Ranker.objects.create(
            catalog=catalog,
            mode=mode,
            kind=selection.ranker.kind,
            model=selection.ranker.to_bytes(),
            figures=figures(selection),
            is_active=True,
            trained_until=until,
        )
        latest = of_mode.order_by("-created_at").values_list("pk", flat=True)[: _KEPT + 1]
        of_mode.exclude(pk__in=list(latest)).delete()
    return stored


def figures(selection: Selection) -> dict[str, dict[str, float]]:
    """How each kind of ranker did, as JSON has it."""
    return {
        kind: {"mean": interval.mean, "low": interval.low, "high": interval.high}
        for kind, interval in selection.figures.items()
    }


def run_figures(selection: Selection) -> dict[str, Any]:
    """The same, and beside it what the log tells of each kind, where it does."""
    replayed = {} if selection.replayed is None else selection.replayed.figures()
    return {**figures(selection), **({"off_policy": replayed} if replayed else {})}


def told(selection: Selection) -> str:
    """Why its ranker serves, and what the log tells of each kind."""
    replayed = selection.replayed
    return selection.reason if replayed is None else f"{selection.reason} {replayed.text}"


def _floats(values: np.ndarray[tuple[int], np.dtype[np.float32]]) -> str:
    return "{" + ",".join(f"{value:.6g}" for value in values.tolist()) + "}"


def activate_ranker(ranker: Ranker) -> None:
    """Have a ranker serve; the one that did is kept and can be activated again. May run twice."""
    with transaction.atomic():
        # Nobody else switches meanwhile, and no query sees two active ones.
        Catalog.objects.select_for_update(no_key=True).get(pk=ranker.catalog_id)
        others = Ranker.objects.filter(catalog=ranker.catalog_id, mode=ranker.mode)
        others.filter(is_active=True).exclude(pk=ranker.pk).update(is_active=False)
        Ranker.objects.filter(pk=ranker.pk).update(is_active=True)
        ranker.is_active = True
