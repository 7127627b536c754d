"""Changing the table of models by configuration."""

import pytest

from embeddings.errors import Misconfigured
from embeddings.providers.known_models import HOSTED, HostedModel
from embeddings.providers.overrides import overridden
from embeddings.spec import EVERYTHING, Fusion
from embeddings.types import Modality, Role

TEI = {
    "provider": "tei",
    "base_url": "http://10.0.0.5:8080/v1",
    "dimension": 1024,
    "max_tokens": 512,
}


def changed(key: str, entry: object) -> HostedModel:
    return overridden(HOSTED, {key: entry})[key]


def test_a_known_model_keeps_what_is_not_said() -> None:
    before = HOSTED["text-embedding-v4"]

    after = changed("text-embedding-v4", {"price": 0.05, "max_rows": 5})

    assert (after.spec.price, after.spec.max_rows) == (0.05, 5)
    assert after.spec.dimensions == before.spec.dimensions
    assert (after.name, after.provider) == (before.name, before.provider)
    assert HOSTED["text-embedding-v4"] == before


def test_a_model_of_ones_own_server_is_added() -> None:
    model = changed("my-e5", {**TEI, "name": "intfloat/multilingual-e5-large"})

    assert model.name == "intfloat/multilingual-e5-large"
    assert (model.spec.key, model.spec.dimension, model.spec.dimensions) == ("my-e5", 1024, (1024,))
    assert (model.spec.max_rows, model.spec.max_tokens) == (32, 512)
    assert model.spec.is_hosted


def test_two_servers_of_a_kind_do_not_share_an_outage() -> None:
    one = changed("a", TEI)
    other = changed("b", {**TEI, "base_url": "http://10.0.0.6:8080/v1"})

    assert one.spec.provider != other.spec.provider
    assert one.provider == other.provider == "tei"


def test_a_newer_model_of_the_vendor_is_added_by_its_name() -> None:
    entry = {"provider": "dashscope", "dimension": 2048, "max_tokens": 8192, "has_sparse": True}

    model = changed("text-embedding-v5", entry)

    assert (model.name, model.spec.provider) == ("text-embedding-v5", "dashscope")
    assert (model.spec.max_rows, model.spec.has_sparse) == (10, True)


def test_a_newer_multimodal_model_is_added_with_what_it_reads() -> None:
    entry = {
        "provider": "dashscope",
        "dimension": 1024,
        "max_tokens": 8192,
        "modalities": ["text", "image", "video"],
        "fusion": "on_request",
    }

    spec = changed("qwen4-vl-embedding", entry).spec
    assert (spec.modalities, spec.fusion) == (EVERYTHING, Fusion.ON_REQUEST)
    assert spec.media == HOSTED["multimodal-embedding-v1"].spec.media

    media = {"image_bytes": 5, "image_formats": ["png"], "images": 2}
    spec = changed("qwen4-vl-embedding", {**entry, "media": media}).spec
    assert spec.media is not None
    assert (spec.media.image_bytes, spec.media.image_formats) == (5, {"png"})


def test_a_limit_can_be_lifted() -> None:
    entry = {"requests_per_minute": None, "tokens_per_minute": None}

    spec = changed("text-embedding-v4", entry).spec

    assert (spec.requests_per_minute, spec.tokens_per_minute) == (None, None)


def test_prompts_are_by_role_and_may_take_an_instruction() -> None:
    plain = changed("e5", {**TEI, "prompts": {"query": "query: "}})
    told = changed("qwen", {**TEI, "prompts": {"query": "Instruct: {instruction}\nQuery:"}})

    assert plain.prompts == {Role.QUERY: "query: "}
    assert not plain.spec.has_instruction
    assert told.spec.has_instruction


@pytest.mark.parametrize(
    ("key", "entry", "message"),
    [
        ("x", [], "'x' is not right: entry: Input should be an object"),
        ("x", {"provider": "tei"}, "'x', which is not in the table, lacks dimension, max_tokens"),
        ("x", {**TEI, "provider": "hal"}, "provider 'hal', which there is not; use one of: dash"),
        ("x", {**TEI, "base_url": "ftp://a"}, "base_url: String should match"),
        ("x", {"provider": "vllm", "dimension": 8, "max_tokens": 8}, "'x' lacks base_url"),
        ("text-embedding-v4", {"prize": 1}, "'text-embedding-v4' is not right: prize: Extra"),
        ("text-embedding-v4", {"max_rows": "10"}, "max_rows: Input should be a valid integer"),
        ("text-embedding-v4", {"max_rows": 0}, "max_rows: Input should be greater than 0"),
        ("text-embedding-v4", {"dimension": True}, "dimension: Input should be a valid integer"),
        ("text-embedding-v4", {"dimension": None}, "dimension: Input should be a valid integer"),
        ("text-embedding-v4", {"dimension": 100}, "does not give 100 dimensions; use one of: 2048"),
        ("text-embedding-v4", {"price": -1}, "price: Input should be greater than or equal to 0"),
        ("text-embedding-v4", {"timeout": 0}, "timeout: Input should be greater than 0"),
        ("text-embedding-v4", {"modalities": ["smell"]}, r"modalities\.0: Input should be 'text'"),
        ("text-embedding-v4", {"media": {"image_bytes": 1}}, r"media\.image_formats: Field req"),
        ("text-embedding-v4", {"prompts": {"query": "q: "}}, "gives prompts, which the protocol"),
        ("text-embedding-3-small", {"has_sparse": True}, "gives has_sparse, which the protocol"),
        ("voyage-4", {"modalities": ["text", "image"]}, "gives modalities, which the protocol"),
        ("voyage-4", {"has_instruction": True}, "and put {instruction} into prompts"),
        ("voyage-4", {"a": 1, "b": 2}, "a: Extra inputs are not permitted; b: Extra inputs"),
    ],
)
def test_what_is_not_right_is_told_with_the_model_and_the_field(
    key: str, entry: object, message: str
) -> None:
    with pytest.raises(Misconfigured, match=message):
        changed(key, entry)


def test_every_field_of_a_model_can_be_said() -> None:
    entry = {
        "provider": "dashscope",
        "name": "n",
        "base_url": "https://ws.cn-beijing.maas.aliyuncs.com/api/v1",
        "api_key_env": "BEIJING_KEY",
        "timeout": 5,
        "dimension": 64,
        "dimensions": [128, 64],
        "max_rows": 3,
        "max_tokens": 4,
        "max_call_tokens": 12,
        "modalities": ["text", "image"],
        "media": {
            "image_bytes": 1,
            "image_formats": ["png"],
            "images": 2,
            "video_bytes": 3,
            "video_formats": ["mp4"],
        },
        "fusion": "always",
        "has_sparse": True,
        "has_instruction": True,
        "requests_per_minute": 5,
        "tokens_per_minute": 6,
        "price": 7,
    }

    model = changed("new", entry)

    spec = model.spec
    assert (model.name, model.api_key_env, model.timeout) == ("n", "BEIJING_KEY", 5)
    assert (spec.dimension, spec.dimensions, spec.max_call_tokens) == (64, (128, 64), 12)
    assert spec.modalities == {Modality.TEXT, Modality.IMAGE}
    assert (spec.requests_per_minute, spec.tokens_per_minute, spec.price) == (5, 6, 7)
    assert (spec.fusion, spec.has_sparse, spec.has_instruction) == (Fusion.ALWAYS, True, True)
