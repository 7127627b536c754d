import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from embeddings.local import torch_checkpoint
from embeddings.local.image_model import weights

MAGIC = 0x1950A86A20F9469CFC6C


class Runs:
    """A pickle that would run code where it is loaded as any other."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise AssertionError('it ran')",)


def checkpoint(path: Path, *parts: object) -> Path:
    path.write_bytes(b"".join(pickle.dumps(part, protocol=2) for part in parts))
    return path


def test_every_weight_is_read_in_its_shape() -> None:
    tensors = torch_checkpoint.read(weights())

    assert sum(value.size for value in tensors.values()) == 4_694_024
    assert tensors["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert tensors["_fc.weight"].shape == (1000, 1280)
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in tensors.values())


@pytest.mark.parametrize("place", range(4))
def test_nothing_in_a_checkpoint_is_run(tmp_path: Path, place: int) -> None:
    parts = [MAGIC, 1001, {}, OrderedDict(), []]
    parts[place] = Runs()

    with pytest.raises(pickle.UnpicklingError, match=r"exec has no place"):
        torch_checkpoint.read(checkpoint(tmp_path / "model.pth", *parts))


def test_another_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pickle.UnpicklingError, match=r"other\.pth is no PyTorch checkpoint"):
        torch_checkpoint.read(checkpoint(tmp_path / "other.pth", 1, 2, 3))
