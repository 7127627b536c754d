"""The entries for KINSHIP_MODELS that docs/embeddings.md gives as examples."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embeddings.factory import Models
from embeddings.providers.known_models import HOSTED
from embeddings.types import Input, Role
from tests.stub import Behaviour, Stub

PAGE = Path(__file__).resolve().parents[2] / "docs" / "embeddings.md"
_BLOCK = re.compile(r"^```toml\n(.*?)^```", re.MULTILINE | re.DOTALL)
KEYS = dict.fromkeys(("BEIJING_API_KEY", "DASHSCOPE_API_KEY", "VLLM_API_KEY", "ANY_KEY"), "k")


def entries() -> Mapping[str, Any]:
    (block,) = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return tomllib.loads(block)


def test_the_examples_change_a_model_and_add_one_of_each_kind() -> None:
    changed, *added = entries()

    assert Models(entries()).spec(changed).price != HOSTED[changed].spec.price
    assert not HOSTED.keys() & set(added)
    assert {entries()[key]["provider"] for key in added} == {"dashscope", "tei", "ollama", "vllm"}


@pytest.mark.parametrize("key", entries())
def test_a_model_of_the_examples_answers(key: str) -> None:
    with Stub() as stub:
        entry = entries()[key]
        is_native = entry.get("provider", "dashscope") == "dashscope"
        entry["base_url"] = stub.native_url if is_native else stub.compatible_url
        # The double wants a key where one's own server may not.
        entry.setdefault("api_key_env", "ANY_KEY")
        spec = Models({key: entry}).spec(key)
        stub.behave(Behaviour(dimension=spec.dimension))
        instruction = "Find a gift" if spec.has_instruction else ""

        embedder = Models({key: entry}, KEYS).create(key, instruction=instruction)
        embeddings = embedder.embed([Input(text="a red mug")], Role.QUERY)

    assert embeddings.vectors.shape == (1, spec.dimension)
    np.testing.assert_allclose(np.linalg.norm(embeddings.vectors), 1, atol=1e-5)
