import pytest

from embeddings.errors import Misconfigured
from embeddings.factory import Models
from embeddings.types import Input, Output, Role
from tests.stub import Stub


@pytest.mark.parametrize(
    ("key", "dimension", "expected"),
    [
        ("wordllama-256", None, 256),
        ("wordllama-256", 64, 64),
        ("all-minilm-l6-v2", None, 384),
        ("fake", None, 64),
        ("fake", 2048, 2048),
    ],
)
def test_a_model_comes_at_the_dimension_asked_for(
    key: str, dimension: int | None, expected: int
) -> None:
    spec = Models().create(key, dimension).spec

    assert (spec.key, spec.dimension) == (key, expected)


def test_an_unknown_model_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Misconfigured, match=r"'gpt'; use one of: wordllama-256, .*voyage-4, "):
        Models().create("gpt")


def test_a_dimension_the_model_does_not_give_is_refused() -> None:
    with pytest.raises(Misconfigured, match="use one of: 256, 128, 64"):
        Models().create("wordllama-256", 1024)


@pytest.mark.parametrize(
    ("key", "output", "instruction", "message"),
    [
        ("wordllama-256", Output.SPARSE, "", "gives no sparse vectors"),
        ("all-minilm-l6-v2", Output.DENSE, "Find a gift", "takes no instruction"),
        ("text-embedding-3-small", Output.BOTH, "", "gives no sparse vectors"),
        ("text-embedding-v3", Output.DENSE, "Find a gift", "takes no instruction"),
    ],
)
def test_what_the_model_cannot_do_is_refused(
    key: str, output: Output, instruction: str, message: str
) -> None:
    with pytest.raises(Misconfigured, match=message):
        Models().create(key, output=output, instruction=instruction)


def test_a_hosted_model_is_known_without_a_key_but_not_used() -> None:
    models = Models()

    assert models.spec("text-embedding-v4").dimension == 1024
    with pytest.raises(Misconfigured, match="set DASHSCOPE_API_KEY in the environment"):
        models.create("text-embedding-v4")


def test_a_model_of_this_process_cannot_be_changed() -> None:
    with pytest.raises(Misconfigured, match="fake cannot be changed"):
        Models({"fake": {"price": 1}})


def test_a_model_that_needs_an_alignment_is_not_to_be_had_without_one() -> None:
    assert Models().spec("efficientnet-lite0-text").needs_alignment
    with pytest.raises(Misconfigured, match="learnt from a catalog's pictures and titles"):
        Models().create("efficientnet-lite0-text")


def test_every_model_can_be_listed() -> None:
    keys = Models({"my-e5": entry("http://a/v1")}).keys()

    assert keys[0] == "wordllama-256"
    assert {"text-embedding-v4", "text-embedding-v4@compatible", "my-e5"} <= set(keys)
    assert len(set(keys)) == len(keys)


def entry(base_url: str, **fields: object) -> dict[str, object]:
    own = {"provider": "tei", "base_url": base_url, "dimension": 64, "dimensions": [64, 32]}
    return {**own, "max_tokens": 100, **fields}


def call(models: Models, key: str) -> None:
    models.create(key).embed([Input(text="mug")], Role.QUERY)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("text-embedding-v4", "/api/v1/services/embeddings/text-embedding/text-embedding"),
        (
            "multimodal-embedding-v1",
            "/api/v1/services/embeddings/multimodal-embedding/multimodal-embedding",
        ),
    ],
)
def test_the_vendors_own_protocol_is_for_its_models(key: str, path: str) -> None:
    with Stub() as stub:
        environment = {"DASHSCOPE_API_KEY": "k", "DASHSCOPE_HTTP_BASE_URL": stub.native_url}
        call(Models({}, environment | {"DASHSCOPE_WORKSPACE": "ws-1"}), key)

        (request,) = stub.record.calls
        assert request.path == path
        assert request.headers["authorization"] == "Bearer k"
        assert request.headers["x-dashscope-workspace"] == "ws-1"
        assert request.body["model"] == key


def test_a_model_by_configuration_is_called_by_its_name_with_its_own_key() -> None:
    with Stub() as stub:
        own = entry(stub.compatible_url, name="intfloat/e5", api_key_env="E5_KEY")
        call(Models({"my-e5": own}, {"E5_KEY": "k5", "OPENAI_API_KEY": "other"}), "my-e5")

        (request,) = stub.record.calls
        assert request.body["model"] == "intfloat/e5"
        assert request.headers["authorization"] == "Bearer k5"


def test_an_account_is_named_by_its_key_without_telling_it() -> None:
    own = {"voyage-4-lite": {"api_key_env": "OTHER_KEY"}}
    models = Models(own, {"VOYAGE_API_KEY": "pa-1", "OTHER_KEY": "pa-2"})

    assert models.account("voyage-4") == models.account("voyage-3.5") != ""
    assert models.account("voyage-4-lite") not in {"", models.account("voyage-4")}
    assert "pa-1" not in models.account("voyage-4")
    assert models.account("fake") == models.account("jina-embeddings-v3") == ""


def test_an_entrys_address_and_key_come_before_the_providers() -> None:
    with Stub() as stub, Stub() as elsewhere:
        environment = {
            "DASHSCOPE_API_KEY": "k",
            "BEIJING_KEY": "b",
            "DASHSCOPE_HTTP_BASE_URL": elsewhere.native_url,
        }
        own = {"base_url": stub.native_url, "api_key_env": "BEIJING_KEY"}
        call(Models({"text-embedding-v4": own}, environment), "text-embedding-v4")

        assert stub.record.calls[-1].headers["authorization"] == "Bearer b"
        assert elsewhere.record.requests == 0


def test_a_compatible_model_is_told_its_prompt_and_dimension() -> None:
    with Stub() as stub:
        own = entry(stub.compatible_url, prompts={"query": "{instruction}: "}, api_key_env="K")
        models = Models({"own": own}, {"K": "k"})
        embedder = models.create("own", 32, instruction="Find a gift")

        assert embedder.embed([Input(text="mug")], Role.QUERY).vectors.shape == (1, 32)
        assert stub.record.calls[-1].body["input"] == ["Find a gift: mug"]
