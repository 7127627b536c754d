"""The table of hosted models against the vendor's page."""

import pytest

from embeddings.providers.known_models import HOSTED
from embeddings.providers.table import PROVIDERS
from embeddings.spec import EVERYTHING, TEXT_ONLY, Fusion

DASHSCOPE_TEXT = {
    "text-embedding-v4": ((2048, 1536, 1024, 768, 512, 256, 128, 64), 1024, 10, 8192, 0.072),
    "text-embedding-v3": ((1024, 768, 512, 256, 128, 64), 1024, 10, 8192, 0.07),
    "text-embedding-v2": ((1536,), 1536, 25, 2048, 0.1),
    "text-embedding-v1": ((1536,), 1536, 25, 2048, 0.1),
    "qwen3.7-text-embedding": ((2560, 2048, 1536, 1024, 768, 512, 256), 1024, 20, 128_000, 0.07),
    "qwen3.7-text-embedding-flash": ((1024, 768, 512, 256), 1024, 20, 128_000, 0.07),
}


@pytest.mark.parametrize("key", DASHSCOPE_TEXT)
@pytest.mark.parametrize("suffix", ["", "@compatible"])
def test_a_text_model_has_the_limits_of_the_page_in_both_protocols(key: str, suffix: str) -> None:
    model = HOSTED[key + suffix]
    spec = model.spec

    assert model.name == key
    assert DASHSCOPE_TEXT[key] == (
        spec.dimensions,
        spec.dimension,
        spec.max_rows,
        spec.max_tokens,
        spec.price,
    )
    assert spec.modalities == TEXT_ONLY


@pytest.mark.parametrize(
    ("key", "has_sparse", "has_instruction"),
    [
        ("text-embedding-v4", True, True),
        ("text-embedding-v3", True, False),
        ("text-embedding-v2", False, False),
        ("qwen3.7-text-embedding", True, True),
        ("text-embedding-v4@compatible", False, False),
        ("text-embedding-v3@compatible", False, False),
    ],
)
def test_sparse_vectors_and_instructions_are_the_native_protocols(
    key: str, has_sparse: bool, has_instruction: bool
) -> None:
    spec = HOSTED[key].spec

    assert (spec.has_sparse, spec.has_instruction) == (has_sparse, has_instruction)


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("key", "dimension", "max_tokens", "image", "video", "fusion"),
    [
        ("multimodal-embedding-v1", 1024, 512, 3, 10, Fusion.NEVER),
        ("tongyi-embedding-vision-plus", 1152, 1024, 3, 10, Fusion.NEVER),
        ("tongyi-embedding-vision-flash", 768, 1024, 3, 10, Fusion.NEVER),
        ("qwen3-vl-embedding", 2560, 32_000, 10, 50, Fusion.ON_REQUEST),
        ("qwen2.5-vl-embedding", 1024, 32_000, 5, 50, Fusion.ALWAYS),
    ],
)
def test_a_multimodal_model_has_the_limits_of_the_page(
    key: str, dimension: int, max_tokens: int, image: int, video: int, fusion: Fusion
) -> None:
    spec = HOSTED[key].spec

    assert (spec.dimension, spec.max_tokens, spec.fusion) == (dimension, max_tokens, fusion)
    assert spec.modalities == EVERYTHING
    assert spec.media is not None
    assert spec.media.image_bytes == image * MEGABYTE
    assert spec.media.video_bytes == video * MEGABYTE
    assert {"jpg", "png", "bmp"} <= spec.media.image_formats


def test_the_free_model_has_the_rate_of_the_page() -> None:
    spec = HOSTED["multimodal-embedding-v1"].spec

    assert (spec.requests_per_minute, spec.price, spec.dimensions) == (120, 0, (1024,))


@pytest.mark.parametrize("key", HOSTED)
def test_every_row_of_the_table_is_consistent(key: str) -> None:
    model = HOSTED[key]

    assert model.spec.key == key
    assert model.provider == model.spec.provider
    assert model.provider in PROVIDERS
    assert model.spec.is_hosted
    assert model.spec.at(model.spec.dimension) == model.spec
    assert (model.spec.media is None) == (model.spec.modalities == TEXT_ONLY)
    assert model.spec.requests_per_minute


@pytest.mark.parametrize("provider", ["openai", "jina", "voyage", "cohere", "dashscope"])
def test_the_usual_providers_have_models_a_key_and_an_address(provider: str) -> None:
    assert any(model.provider == provider for model in HOSTED.values())
    assert PROVIDERS[provider].api_key_env == f"{provider.upper()}_API_KEY"
    assert PROVIDERS[provider].base_url.startswith("https://")
