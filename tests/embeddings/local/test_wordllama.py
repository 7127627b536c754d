import subprocess
import sys
from pathlib import Path

import numpy as np

import embeddings
from embeddings.factory import Models
from embeddings.types import Input, Role

LOAD_IN_A_NEW_PROCESS = """
import logging, sys

def offline(event, arguments):
    if event.startswith("socket."):
        raise RuntimeError(f"network used: {event}")

sys.addaudithook(offline)
from embeddings.local import wordllama
wordllama.load()
root = logging.getLogger()
assert not root.handlers, root.handlers
assert root.level == logging.WARNING, root.level
"""


def test_loading_uses_no_network_and_leaves_logging_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOAD_IN_A_NEW_PROCESS],
        cwd=Path(embeddings.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_title_in_capitals_means_what_it_means_in_small_letters() -> None:
    inputs = [Input(text="RED RETROSPOT CUP"), Input(text="red retrospot cup")]
    capitals, small = Models().create("wordllama-256").embed(inputs, Role.DOCUMENT).vectors

    np.testing.assert_array_equal(capitals, small)


def test_a_smaller_vector_is_the_start_of_the_large_one() -> None:
    inputs = [Input(text="red retrospot cup")]
    large = Models().create("wordllama-256").embed(inputs, Role.DOCUMENT).vectors
    small = Models().create("wordllama-256", 64).embed(inputs, Role.DOCUMENT).vectors

    start = large[:, :64]
    np.testing.assert_allclose(small, start / np.linalg.norm(start), atol=1e-6)
