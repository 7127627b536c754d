"""Arrays as bytes that hold nothing but arrays: reading them runs no code."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]


def pack(arrays: dict[str, Array]) -> bytes:
    """Arrays by name in numpy's own format; equal arrays give equal bytes."""
    buffer = BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, Array]:
    """What was packed.

    Raises:
        ValueError: the bytes hold something other than arrays.
    """
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def of_bytes(data: bytes) -> Array:
    """Bytes as an array, to be packed; `tobytes` gives them back."""
    return np.frombuffer(data, dtype=np.uint8)
