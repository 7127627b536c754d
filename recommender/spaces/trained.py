"""Spaces that are trained from behaviour: their vectors come all at once, and none is embedded.

A product that was not trained on gets a vector predicted from its text: by a map that was fitted in
training, from the vectors of one text space and of no other.
"""

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from numpy.typing import NDArray
from psycopg import sql

from recommender import database
from recommender.behaviour.prediction import Prediction
from recommender.models import Catalog, Space
from recommender.spaces import lifecycle, partitions
from recommender.spaces.partitions import (
    SAME_TREATMENT,
    SpaceError,
    VectorRow,
    load_vectors,
    upsert_vectors,
)
from recommender.spaces.staleness import IS_STALE, TRAINED

PREDICTED = "predicted"

_BATCH = 5_000
# Half precision holds no larger number, and of a vector shorter than this next to nothing.
_LARGEST = float(np.finfo(np.float16).max)
_SHORTEST = float(np.finfo(np.float16).tiny)
_SOURCE = struct.Struct(">q")

# Of a text vector that is itself stale, too: it is better than none, and followed when it is made.
_TO_PREDICT = sql.SQL("""
SELECT t.product_id, t.content_hash FROM {texts} t
JOIN recommender_product p ON p.id = t.product_id AND p.deleted_at IS NULL
LEFT JOIN {vectors} v ON v.product_id = t.product_id
WHERE t.product_id > %(after)s AND v.content_hash IS DISTINCT FROM t.content_hash
  AND v.treatment IS DISTINCT FROM {trained}
ORDER BY t.product_id LIMIT {batch}
""")
# A vector that was predicted before is kept: of an older text it is better than none.
_LEAVE = sql.SQL("""
INSERT INTO {vectors} AS v
    (space_id, product_id, embedding, content_hash, treatment, embedded_at)
SELECT {space}, p.id, NULL, p.content_hash, {predicted}, now()
FROM (
    SELECT p.id, p.content_hash
    FROM recommender_product p LEFT JOIN {vectors} v ON v.product_id = p.id
    WHERE p.catalog_id = {catalog} AND p.deleted_at IS NULL AND {is_stale}
    ORDER BY p.id
) p
ON CONFLICT (space_id, product_id) DO UPDATE SET content_hash = excluded.content_hash
WHERE v.treatment = excluded.treatment
""")


@dataclass(frozen=True, slots=True)
class _Source:
    """The text space that predictions are made from, and the map."""

    space_id: int
    prediction: Prediction


def store(  # noqa: PLR0913 - what training made, each by its name
    catalog: Catalog,
    name: str,
    *,
    model: str,
    metric: str,
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    fold_in: bytes,
    trained_until: datetime,
    prediction: bytes | None,
) -> Space:
    """A new version of a behaviour space with its vectors and its index.

    The first version of its name serves at once; a later one is left building, for training to
    activate. A product whose row is zero was not trained on: its vector is predicted.

    Args:
        ids: keys of products; shape (n,).
        vectors: what was trained, for these products; shape (n, dimension).
        fold_in: of FoldIn.to_bytes.
        prediction: of Prediction.to_bytes, fitted to the vectors of the text space that serves
            now; None where nothing could be fitted.

    Raises:
        SpaceError: no product has a vector, or one is too long for half precision.
        Misconfigured: the name is that of an embedded space.
    """
    trained = _has_vector(vectors)
    _check(name, vectors, trained)
    space = Space(
        catalog=catalog,
        name=name,
        kind=Space.Kind.BEHAVIOUR,
        model=model,
        metric=metric,
        dimension=vectors.shape[1],
        fold_in=fold_in,
        trained_until=trained_until,
        alignment=_packed(catalog, prediction),
    )
    # At once: what looks for products without a vector must not find it without those trained.
    with transaction.atomic():
        lifecycle.add_version(space)
        rows = [
            VectorRow(product, None, vector, treatment=TRAINED)
            for product, vector in zip(ids[trained].tolist(), vectors[trained], strict=True)
        ]
        upsert_vectors(space, rows, SAME_TREATMENT)
    predict_missing(space)
    lifecycle.build_index(space)
    _serve_first(space)
    return space


def predict_missing(space: Space) -> int:
    """Predict vectors for the products that a behaviour space was not trained on.

    Of products that have none yet, or whose text has changed since. One whose text has no vector
    gets none, and is done with; one whose text waits to be embedded waits, too. Where there is
    nothing to predict from before the next training, all are done with as they are. May run twice
    and beside itself. How many products it dealt with.
    """
    source = _source(space)
    if source is None:
        dealt_with = database.execute(_LEAVE.format(**_names(space)))
    else:
        dealt_with = _predict(space, source)
    if dealt_with:
        Space.objects.filter(pk=space.pk).update(embedded_at=Now())
    return dealt_with


def followers(space_id: int) -> list[int]:
    """The living behaviour spaces whose predictions may be made from this space's vectors."""
    text = Space.objects.filter(pk=space_id, status=Space.Status.ACTIVE, name="text")
    behaviour = lifecycle.living().filter(kind=Space.Kind.BEHAVIOUR)
    followers = behaviour.filter(catalog__in=text.values("catalog"))
    return list(followers.values_list("pk", flat=True))


def retire_old(catalog: Catalog, name: str) -> list[Space]:
    """Retire the versions of a behaviour space that nobody goes back to; which they were.

    What stays: the one that serves, the standby that served before it, and the newest of all.

    Raises:
        SpaceError: the tables of one were in use for too long.
    """
    versions = Space.objects.filter(catalog=catalog, name=name, kind=Space.Kind.BEHAVIOUR)
    standby = versions.filter(status=Space.Status.STANDBY).order_by("-activated_at").first()
    newest = versions.order_by("-version").first()
    kept = {space.pk for space in (standby, newest) if space is not None}
    gone = versions.filter(status__in=(Space.Status.BUILDING, Space.Status.STANDBY))
    old = list(gone.exclude(pk__in=kept).order_by("version"))
    for space in old:
        lifecycle.retire(space)
    return old


def _has_vector(vectors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which rows are not zero, and would not be in half precision; shape (n,)."""
    return np.asarray(np.abs(vectors).max(axis=1, initial=0.0) >= _SHORTEST)


def _check(name: str, vectors: NDArray[np.float32], trained: NDArray[np.bool_]) -> None:
    if not float(np.abs(vectors).max(initial=0.0)) <= _LARGEST:
        raise SpaceError(
            f"Training {name!r} gave vectors that half precision cannot hold. Train it with a "
            "stronger regularization."
        )
    if not trained.any():
        raise SpaceError(
            f"Training {name!r} gave no product a vector. Add events that say something good of "
            "products, then train again."
        )


def _packed(catalog: Catalog, prediction: bytes | None) -> bytes | None:
    """A prediction with the text space it is of: another one's vectors mean something else."""
    text = lifecycle.active_space(catalog.pk)
    if prediction is None or text is None:
        return None
    return _SOURCE.pack(text.pk) + prediction


def _source(space: Space) -> _Source | None:
    """What to predict from; None where there is nothing, or another text space serves by now."""
    if space.alignment is None:
        return None
    packed = bytes(space.alignment)
    (space_id,) = _SOURCE.unpack_from(packed)
    text = lifecycle.active_space(space.catalog_id)
    if text is None or text.pk != space_id:
        return None
    return _Source(space_id, Prediction.from_bytes(packed[_SOURCE.size :]))


def _predict(space: Space, source: _Source) -> int:
    """Predict batch by batch, in the order of the products' keys; of how many."""
    texts = partitions.product_vectors(source.space_id)
    query = _TO_PREDICT.format(**_names(space), texts=texts, batch=sql.Literal(_BATCH))
    after = dealt_with = 0
    while rows := database.fetch(query, {"after": after}):
        known, content = load_vectors(source.space_id, [product for product, _ in rows])
        predicted = dict(zip(known.tolist(), _predicted(space, source, content), strict=True))
        vectors = [
            VectorRow(product, content_hash, predicted.get(product), treatment=PREDICTED)
            for product, content_hash in rows
        ]
        with transaction.atomic():
            upsert_vectors(space, vectors, SAME_TREATMENT)
        after, dealt_with = vectors[-1].product_id, dealt_with + len(vectors)
    return dealt_with


def _predicted(
    space: Space, source: _Source, content: NDArray[np.float32]
) -> list[NDArray[np.float32] | None]:
    """The predicted vectors, of unit length where the space has such; None for one of no length."""
    if not len(content):
        return []
    made = np.clip(source.prediction.predict(content), -_LARGEST, _LARGEST)
    kept = _has_vector(made)
    if space.metric == Space.Metric.COSINE:
        made = made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), _SHORTEST)
    return [row if keep else None for row, keep in zip(made, kept, strict=True)]


def _names(space: Space) -> dict[str, Any]:
    return {
        "vectors": partitions.product_vectors(space.pk),
        "space": sql.Literal(space.pk),
        "catalog": sql.Literal(space.catalog_id),
        "is_stale": IS_STALE,
        "trained": sql.Literal(TRAINED),
        "predicted": sql.Literal(PREDICTED),
    }


def _serve_first(space: Space) -> None:
    """Say that it is complete, and have it serve where it is the first of its name."""
    with transaction.atomic():
        lifecycle.lock_spaces(space.catalog_id)
        # There is no profile in it yet that these vectors could change.
        space.embedded_at = space.profiles_at = timezone.now()
        if lifecycle.active_space(space.catalog_id, space.name) is None:
            space.status, space.activated_at = Space.Status.ACTIVE, timezone.now()
        space.save(update_fields=["embedded_at", "profiles_at", "status", "activated_at"])
