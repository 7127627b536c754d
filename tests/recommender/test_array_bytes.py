from io import BytesIO

import numpy as np
import pytest

from recommender import array_bytes


def test_arrays_come_back_as_they_were():
    arrays = {"names": np.array(["a", "ü"]), "means": np.array([1.5]), "nothing": np.zeros(0)}
    back = array_bytes.unpack(array_bytes.pack(arrays))
    assert {name: each.tolist() for name, each in back.items()} == {
        "names": ["a", "ü"],
        "means": [1.5],
        "nothing": [],
    }


def test_bytes_come_back_as_they_were():
    packed = array_bytes.pack({"model": array_bytes.of_bytes(b"tree\x00\xff")})
    assert array_bytes.unpack(packed)["model"].tobytes() == b"tree\x00\xff"


def test_objects_are_refused_as_reading_them_would_run_code():
    buffer = BytesIO()
    np.savez(buffer, evil=np.array([{"a": 1}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        array_bytes.unpack(buffer.getvalue())
