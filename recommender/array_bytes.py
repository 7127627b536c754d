"""Arrays as bytes that hold nothing but arrays: reading them runs no code."""

from io import BytesIO
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]


def pack(arrays: dict[str, Array], *, compress: bool = True) -> bytes:
    """Arrays by name in numpy's own format; equal arrays give equal bytes.

    Args:
        compress: for text; numbers hardly shrink, and take twice as long to read.
    """
    buffer = BytesIO()
    save = np.savez_compressed if compress else np.savez
    save(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, Array]:
    """What was packed.

    Raises:
        ValueError: the bytes hold something other than arrays, or nothing packed.
    """
    try:
        with np.load(BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, BadZipFile) as exc:
        raise ValueError("These bytes hold no packed arrays.") from exc


def of_bytes(data: bytes) -> Array:
    """Bytes as an array, to be packed; `tobytes` gives them back."""
    return np.frombuffer(data, dtype=np.uint8)
