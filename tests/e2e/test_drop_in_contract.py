"""Our own providers, asking the drop-in endpoints of the running service, keep the contract."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.base import Embedder
from embeddings.factory import Models
from embeddings.types import Input, Output
from tests.e2e.service import Service
from tests.embeddings import test_contract as contract
from tests.embeddings.test_contract import MIXED, Case, EmbedderContract, Make

pytestmark = pytest.mark.slow

# `name` is the model that the service answers with.
FAKE = {"name": "fake", "api_key_env": "OWN_KEY"}
WORDLLAMA = {
    "name": "wordllama-256",
    "api_key_env": "OWN_KEY",
    "dimension": 256,
    "dimensions": [256, 128, 64],
    "max_tokens": 512,
}
CASES = (
    Case(key="text-embedding-v4", entry=FAKE),
    Case(key="text-embedding-v4@compatible", entry=FAKE),
    Case(key="qwen2.5-vl-embedding", entry=FAKE, examples=MIXED),
    Case(key="native", entry=WORDLLAMA | {"provider": "dashscope"}),
    Case(key="compatible", entry=WORDLLAMA | {"provider": "vllm"}),
)


@pytest.fixture(scope="module")
def key(service: Service) -> str:
    service.manage("create_catalog", "contract")
    return service.manage("create_api_key", "contract", "--scope", "embed").strip()


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    param: Case = request.param
    return param


@pytest.fixture(scope="module")
def make(case: Case, service: Service, key: str) -> Make:
    is_native = "compatible" not in case.key
    base_url = service.url + ("/api/v1" if is_native else "/compatible-mode/v1")
    models = Models({case.key: {**case.entry, "base_url": base_url}}, {"OWN_KEY": key})
    return partial(_create, models, case)


def _create(
    models: Models,
    case: Case,
    dimension: int | None = None,
    *,
    instruction: str = "",
    output: Output = Output.DENSE,
) -> Embedder:
    return models.create(case.key, dimension, instruction=instruction, output=output)


class TestDropIn(EmbedderContract):
    """Every model behind either protocol of the service."""

    # As elsewhere in the API, a text may not hold U+0000.
    @contract.hypothesis_settings
    @given(
        text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(
            str.strip
        )
    )
    def test_any_text_that_is_not_blank_gets_a_usable_vector(self, make: Make, text: str) -> None:
        (vector,) = contract.vectors(make(), Input(text=text))
        np.testing.assert_allclose(np.linalg.norm(vector), 1, atol=1e-5)
