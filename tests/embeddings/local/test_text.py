import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from embeddings.local.text import LocalEmbedder
from embeddings.spec import ModelSpec
from embeddings.types import Input, Role

SPEC = ModelSpec(key="ones", dimension=4, dimensions=(4, 2), max_rows=8, max_tokens=10)


class Ones:
    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, int]:
        return np.ones((len(texts), 4), np.float32), len(texts)


def test_the_model_is_loaded_at_the_first_use_and_once_for_all_threads_and_dimensions() -> None:
    loads = 0
    together = threading.Barrier(4)

    def load() -> Ones:
        nonlocal loads
        loads += 1
        return Ones()

    def use(dimension: int) -> tuple[int, ...]:
        embedder = LocalEmbedder(SPEC.at(dimension), load)
        together.wait()
        return embedder.embed([Input(text="mug")], Role.QUERY).vectors.shape

    LocalEmbedder(SPEC, load).embed([], Role.QUERY)
    assert loads == 0
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(use, [4, 2, 4, 2])) == [(1, 4), (1, 2), (1, 4), (1, 2)]
    assert loads == 1


def test_a_model_that_failed_to_load_is_tried_again() -> None:
    failures = [FileNotFoundError("not yet")]

    def load() -> Ones:
        if failures:
            raise failures.pop()
        return Ones()

    embedder = LocalEmbedder(SPEC, load)
    for _ in range(2):
        try:
            embeddings = embedder.embed([Input(text="mug")], Role.QUERY)
        except FileNotFoundError:
            continue
    assert embeddings.vectors.shape == (1, 4)
