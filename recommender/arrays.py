"""Arrays between numpy and the outside, and keys looked up among other keys.

From PostgreSQL in the binary form it sends (a query wraps its array in array_send(): decoding a
thousand numbers one by one costs what ten searches do); as bytes that hold nothing but arrays, so
that reading them runs no code.
"""

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

# Number of dimensions, flags, element type, then of the one dimension its length and lower bound.
_HEADER = 20
_INTS = np.dtype([("length", ">i4"), ("value", ">i8")])
_FLOATS = np.dtype([("length", ">i4"), ("value", ">f8")])
_SINGLES = np.dtype([("length", ">i4"), ("value", ">f4")])


def ints(sent: bytes | None) -> NDArray[np.int64]:
    """A bigint[] without NULLs; none for NULL."""
    return _values(sent, _INTS).astype(np.int64)


def floats(sent: bytes | None) -> NDArray[np.float64]:
    """A float8[] without NULLs; none for NULL."""
    return _values(sent, _FLOATS).astype(np.float64)


def singles(sent: bytes | None) -> NDArray[np.float32]:
    """A float4[] without NULLs; none for NULL."""
    return _values(sent, _SINGLES).astype(np.float32)


def joined_ints(sent: Sequence[bytes]) -> NDArray[np.int64]:
    """Several bigint[] one after the other: decoding a dozen by themselves costs five times it."""
    return _joined(sent, _INTS).astype(np.int64)


def joined_floats(sent: Sequence[bytes]) -> NDArray[np.float64]:
    """Several float8[] one after the other."""
    return _joined(sent, _FLOATS).astype(np.float64)


def row_type(**columns: str) -> np.dtype[np.void]:
    """The type of a row of a binary COPY: the number of fields, and each behind its length.

    Args:
        columns: by name, the types of its columns, none of which is ever NULL.
    """
    fields = ((f"{name}_length", name, column) for name, column in columns.items())
    lengths = [part for size, name, column in fields for part in ((size, ">i4"), (name, column))]
    return np.dtype([("fields", ">i2"), *lengths]).newbyteorder(">")


_COPY_HEADER, _COPY_TRAILER = 19, 2
_COPY_CHUNK = 1 << 24  # bytes


def copied(
    stream: Iterable[bytes | bytearray | memoryview], row: np.dtype[np.void]
) -> Iterator[NDArray[np.void]]:
    """The rows of a COPY … TO STDOUT (FORMAT binary), in parts of some 16 MB; one at least."""
    held, skip = bytearray(), _COPY_HEADER
    for data in stream:
        held += data
        if len(held) >= _COPY_CHUNK:
            yield _whole_rows(held, skip, row)
            skip = 0
    del held[len(held) - _COPY_TRAILER :]
    yield _whole_rows(held, skip, row)


def _whole_rows(held: bytearray, skip: int, row: np.dtype[np.void]) -> NDArray[np.void]:
    """Move whole rows out of what is held."""
    del held[:skip]
    size = len(held) // row.itemsize * row.itemsize
    rows = np.frombuffer(bytes(held[:size]), row)
    del held[:size]
    return rows


def length(sent: bytes) -> int:
    """Of a bigint[] or float8[] without NULLs."""
    return max(0, len(sent) - _HEADER) // _INTS.itemsize


def _joined(sent: Sequence[bytes], dtype: np.dtype[np.void]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(array[_HEADER:] for array in sent), dtype)["value"]


def _values(sent: bytes | None, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    if sent is None or len(sent) < _HEADER:  # an empty array has no dimension
        return np.zeros(0, dtype=dtype)["value"]
    return np.frombuffer(sent, dtype, offset=_HEADER)["value"]


# Of a half-precision number in 32 bits, the sign and, moved to the right place, all else.
_HALF_BITS = np.array(0x8FFFE000, dtype=np.uint32).view(np.int32)
# How much larger the exponents are by then.
_HALF_SCALE = np.float32(2.0**112)


def widened(halves: NDArray[np.float16]) -> NDArray[np.float32]:
    """Finite halves in single precision: astype() takes three times as long for the same."""
    bits = halves.view(np.int16).astype(np.int32)
    bits <<= 13
    bits &= _HALF_BITS
    wide: NDArray[np.float32] = bits.view(np.float32)
    wide *= _HALF_SCALE
    return wide


Keys = NDArray[np.int64]


def distinct(keys: Keys) -> tuple[Keys, NDArray[np.int64]]:
    """The distinct keys, ascending, and which of them each key is; np.unique in half the time."""
    if not len(keys):
        return keys, np.zeros(0, dtype=np.int64)
    order = keys.argsort()
    ascending = keys[order]
    starts = np.empty(len(keys), dtype=bool)
    starts[0] = True
    np.not_equal(ascending[1:], ascending[:-1], out=starts[1:])
    rows = np.empty(len(keys), dtype=np.int64)
    rows[order] = starts.cumsum() - 1
    return ascending[starts], rows


def places(known: Keys, wanted: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted key is in a list of distinct keys, and whether it is; shape (wanted,)."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    order = known.argsort()
    rows = order[np.minimum(known.searchsorted(wanted, sorter=order), len(known) - 1)]
    return rows, known[rows] == wanted


def sorted_places(known: Keys, wanted: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The same where the known keys ascend: among many, for the price of the wanted alone."""
    if not len(known):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    rows = np.minimum(known.searchsorted(wanted), len(known) - 1)
    return rows, known[rows] == wanted


def largest(values: NDArray[np.floating], limit: int) -> NDArray[np.int64]:
    """The places of the largest values, largest first and ties by place; shape (limit,) at most.

    Only those are sorted: a stable sort of a thousand numbers takes a fifth of a millisecond.
    """
    if len(values) <= limit or limit <= 0:
        return np.argsort(-values, kind="stable")[:limit]
    least = np.partition(values, len(values) - limit)[len(values) - limit]
    among = np.flatnonzero(values >= least)
    return among[np.argsort(-values[among], kind="stable")[:limit]]


def largest_of_rows(
    values: NDArray[np.float64], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The places of the largest values of each row, and those values; shape (rows, few) each."""
    rows = np.arange(len(values))
    left = values.copy(order="C")
    places = []
    for _ in range(min(limit, values.shape[1])):
        places.append(left.argmax(axis=1))
        left[rows, places[-1]] = -np.inf
    best = np.array(places, dtype=np.int64).reshape(len(places), len(values)).T
    return best, values[rows[:, None], best]


def best_of_rows(
    values: NDArray[np.float32], limit: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """As `largest_of_rows` for many of them: largest first, ties by place where they are inside."""
    limit = min(limit, values.shape[1])
    places = np.sort(np.argpartition(-values, limit - 1, axis=1)[:, :limit], axis=1)
    largest = np.take_along_axis(values, places, axis=1)
    order = np.argsort(-largest, axis=1, kind="stable")
    return np.take_along_axis(places, order, axis=1), np.take_along_axis(largest, order, axis=1)


def heaviest(labels: NDArray[np.int64], weights: NDArray[np.float64], limit: int) -> list[int]:
    """The labels with most of the weight, heaviest first; 0 is none."""
    ids, rows = distinct(labels)
    sums = np.bincount(rows, weights, len(ids)) * (ids != 0)
    best = np.argsort(-sums, kind="stable")[:limit]
    return [int(ids[row]) for row in best if sums[row] > 0]


Array = NDArray[np.generic]


def pack_arrays(arrays: dict[str, Array], *, compress: bool = True) -> bytes:
    """Arrays by name in numpy's own format; equal arrays give equal bytes.

    Args:
        compress: for text; numbers hardly shrink, and take twice as long to read.
    """
    buffer = BytesIO()
    save = np.savez_compressed if compress else np.savez
    save(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_arrays(data: bytes) -> dict[str, Array]:
    """What was packed.

    Raises:
        ValueError: the bytes hold something other than arrays, or nothing packed.
    """
    try:
        with np.load(BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, BadZipFile) as exc:
        raise ValueError("These bytes hold no packed arrays.") from exc


def array_of_bytes(data: bytes) -> Array:
    """Bytes as an array, to be packed; `tobytes` gives them back."""
    return np.frombuffer(data, dtype=np.uint8)
