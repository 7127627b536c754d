"""Reading the weights of a PyTorch checkpoint without PyTorch.

The format is the one of `torch.save` before 1.6: pickles (a magic number, a version, the
machine's byte order, the state dict, the storages' keys), then the storages as raw bytes. A
pickle may run any code; this reader lets it name nothing but what a state dict is made of.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_ITEM_SIZES = {"FloatStorage": 4, "LongStorage": 8}
_FLOAT = np.dtype("<f4")


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view of a storage, as PyTorch describes one: offset and strides are in numbers."""

    storage: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, content: bytes) -> NDArray[np.float32]:
        strides = tuple(step * _FLOAT.itemsize for step in self.strides)
        offset = self.offset * _FLOAT.itemsize
        view: NDArray[np.float32] = np.ndarray(self.shape, _FLOAT, content, offset, strides)
        return np.ascontiguousarray(view)


def _tensor(
    storage: tuple[str, str, str, str, int, None],
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    *_training: object,
) -> _Tensor:
    _, kind, key, *_ = storage
    return _Tensor(key, kind, offset, shape, strides)


class _StateDictUnpickler(pickle.Unpickler):
    """Unpickles a state dict; every other name is refused."""

    _KNOWN: Mapping[tuple[str, str], Callable[..., object] | str] = {
        ("collections", "OrderedDict"): OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        **{("torch", kind): kind for kind in _ITEM_SIZES},
    }

    def find_class(self, module_name: str, global_name: str) -> Any:
        try:
            return self._KNOWN[module_name, global_name]
        except KeyError as exc:
            raise pickle.UnpicklingError(
                f"{module_name}.{global_name} has no place in a file of weights."
            ) from exc

    def persistent_load(self, pid: object) -> object:
        return pid  # a storage's description; its bytes come after the pickles


def read(path: Path) -> dict[str, NDArray[np.float32]]:
    """The checkpoint's float tensors by name, each in its own shape and in C order.

    Raises:
        pickle.UnpicklingError: it is no such checkpoint, or holds more than weights.
    """
    with path.open("rb") as file:
        load = partial(_load, file)
        if load() != _MAGIC:
            raise pickle.UnpicklingError(f"{path.name} is no PyTorch checkpoint of before 1.6.")
        _version, _machine, state, keys = load(), load(), load(), load()
        kinds = {tensor.storage: tensor.kind for tensor in state.values()}
        storages = {key: _storage(file, kinds[key]) for key in keys}
    return {
        name: tensor.of(storages[tensor.storage])
        for name, tensor in state.items()
        if tensor.kind == "FloatStorage"
    }


def _load(file: BinaryIO) -> Any:
    return _StateDictUnpickler(file).load()


def _storage(file: BinaryIO, kind: str) -> bytes:
    count = int.from_bytes(file.read(8), "little")
    return file.read(count * _ITEM_SIZES[kind])
