"""Reading a provider's answer: rows in any order, vectors as numbers or as base64."""

import base64
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from embeddings.errors import EmbeddingError, Misconfigured, Unavailable
from embeddings.types import Embeddings, Part, Usage

Row = Mapping[str, Any]


def read(
    rows: object,
    index_name: str,
    count: int,
    usage: Usage,
    make: Callable[[Sequence[Row]], Embeddings],
) -> Embeddings:
    """What an answer's rows make, in the order of the inputs.

    Args:
        count: of the inputs.
        make: the vectors of rows; their usage is not looked at.

    Raises:
        EmbeddingError: as `in_order` and `make`, with what was paid: those rows that are usable.
    """
    try:
        return replace(make(in_order(rows, index_name, count)), usage=usage)
    except EmbeddingError as exc:
        exc.paid = _usable(rows, index_name, count, usage, make)
        raise


def _usable(
    rows: object,
    index_name: str,
    count: int,
    usage: Usage,
    make: Callable[[Sequence[Row]], Embeddings],
) -> Part:
    """Of an answer the rows that say whose they are, and can be read alone."""
    objects = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    claimed = Counter(row.get(index_name) for row in objects if type(row.get(index_name)) is int)
    made: dict[int, Embeddings] = {}
    for row in objects:
        place = row.get(index_name)
        if type(place) is int and 0 <= place < count and claimed[place] == 1:
            with suppress(EmbeddingError):
                made[place] = make([row])
    if not made:
        return Part.of_nothing(usage)
    joined = np.concatenate([part.vectors for part in made.values()])
    sparse = tuple(chain.from_iterable(part.sparse for part in made.values()))
    return Part(tuple(made), Embeddings(joined, usage, sparse))


def in_order(rows: object, index_name: str, count: int) -> list[Row]:
    """The answer's rows in the order of the inputs, by the index each carries.

    Raises:
        Unavailable: they are not `count` rows, one for each input.
    """
    objects = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    indices = [row.get(index_name) for row in objects]
    by_index = {
        index: row for index, row in zip(indices, objects, strict=True) if type(index) is int
    }
    if len(objects) != count or by_index.keys() != set(range(count)):
        raise Unavailable(
            f"The provider answered with {len(objects)} rows, not with one for each of {count} "
            "inputs; it is asked again."
        )
    return [by_index[index] for index in range(count)]


def dense(rows: Sequence[object], dimension: int) -> NDArray[np.float32]:
    """Vectors of shape (len(rows), dimension), as they came: of any length, not all finite.

    Each is a list of numbers or the base64 of little-endian float32.

    Raises:
        Misconfigured: all are of another dimension: asking again would be paid for in vain.
        Unavailable: one is no vector of that dimension, or none of several is usable.
    """
    decoded = [_vector(value) for value in rows]
    shapes = {vector.shape for vector in decoded} - {(dimension,)}
    if shapes:
        shape = decoded[0].shape
        is_another_model = len(shape) == 1 and all(vector.shape == shape for vector in decoded)
        raise (Misconfigured if is_another_model else Unavailable)(
            f"The provider gave a vector of shape {shapes.pop()} for one of {dimension} "
            "dimensions; check the model's dimension, and that the server runs this model."
        )
    vectors = np.array(decoded, np.float32).reshape(len(rows), dimension)
    # One bad vector is its input's fault, and found by asking for each alone; all of them are not.
    if len(rows) > 1 and not np.isfinite(vectors).all(axis=1).any():
        raise Unavailable("The provider gave no finite vector at all; it is asked again.")
    return vectors


def _vector(value: object) -> NDArray[np.float32]:
    try:
        if isinstance(value, str):
            return np.frombuffer(base64.b64decode(value, validate=True), "<f4")
        # A number that is too large, or null for NaN, is not finite then.
        with np.errstate(over="ignore"):
            return np.array(value, np.float64).astype(np.float32)
    except (TypeError, ValueError, OverflowError) as exc:
        raise Unavailable(
            f"The provider gave a vector that is none ({exc}); it is asked again."
        ) from exc
