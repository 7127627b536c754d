"""The hosted models that Kinship knows, as data: limits, dimensions and prices as published.

All of it can be changed in the settings: see `embeddings.providers.overrides`. Prices are US
dollars for a million tokens; limits a minute are those of a new account, so that
nobody is throttled.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from embeddings.providers.table import COMPATIBLE, DASHSCOPE
from embeddings.spec import EVERYTHING, Fusion, MediaLimits, ModelSpec
from embeddings.types import Role

COMPATIBLE_SUFFIX = "@compatible"
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HostedModel:
    """A model and where it answers.

    `name` is what the provider calls it. `provider` is a key of `table.PROVIDERS`,
    whose address, variable of the API key and timeout (in seconds) hold where none is given here.
    `prompts` are put before the texts of a role, for models that were trained with them; in one
    with `{instruction}`, the instruction takes its place, and without an instruction it is left
    out.
    """

    spec: ModelSpec
    name: str
    provider: str
    base_url: str = ""
    api_key_env: str = ""
    timeout: float | None = None
    prompts: Mapping[Role, str] = field(default_factory=dict)


def _vision(image_megabytes: int, video_megabytes: int, *, images: int = 1) -> MediaLimits:
    return MediaLimits(
        image_bytes=image_megabytes * _MEGABYTE,
        image_formats=frozenset({"bmp", "jpg", "png"}),
        images=images,
        video_bytes=video_megabytes * _MEGABYTE,
        video_formats=frozenset({"avi", "flv", "mkv", "mov", "mp4", "mpeg", "mpg", "webm"}),
    )


# What every vision model of DashScope takes.
SMALLEST_MEDIA = _vision(3, 10)

# Where the vendor publishes no limit a minute or price of a model, those of its family stand.
_V4 = ModelSpec(
    key="text-embedding-v4",
    dimension=1024,
    dimensions=(2048, 1536, 1024, 768, 512, 256, 128, 64),
    max_rows=10,
    max_tokens=8192,
    has_sparse=True,
    has_instruction=True,
    requests_per_minute=1800,
    tokens_per_minute=1_200_000,
    price=0.072,
)
_V3 = replace(
    _V4,
    key="text-embedding-v3",
    dimensions=(1024, 768, 512, 256, 128, 64),
    has_instruction=False,
    requests_per_minute=6000,
    tokens_per_minute=24_000_000,
    price=0.07,
)
_V2 = ModelSpec(
    key="text-embedding-v2",
    dimension=1536,
    dimensions=(1536,),
    max_rows=25,
    max_tokens=2048,
    requests_per_minute=1800,
    tokens_per_minute=1_200_000,
    price=0.1,
)
_QWEN = replace(
    _V4,
    key="qwen3.7-text-embedding",
    dimensions=(2560, 2048, 1536, 1024, 768, 512, 256),
    max_rows=20,
    max_tokens=128_000,
    price=0.07,
)
_DASHSCOPE_TEXT = (
    _V4,
    _V3,
    _V2,
    replace(_V2, key="text-embedding-v1"),
    _QWEN,
    replace(_QWEN, key="qwen3.7-text-embedding-flash", dimensions=(1024, 768, 512, 256)),
)

# Where text and pictures have different prices, the higher one stands: a budget must hold.
_VISION_PLUS = ModelSpec(
    key="tongyi-embedding-vision-plus",
    dimension=1152,
    dimensions=(1152, 1024, 512, 256, 128, 64),
    max_rows=8,
    max_tokens=1024,
    modalities=EVERYTHING,
    media=_vision(3, 10, images=8),
    requests_per_minute=120,
    price=0.09,
)
_QWEN_VL = ModelSpec(
    key="qwen3-vl-embedding",
    dimension=2560,
    dimensions=(2560, 2048, 1536, 1024, 768, 512, 256),
    # It takes 20 contents, but fuses all of a call into one vector.
    max_rows=1,
    max_tokens=32_000,
    modalities=EVERYTHING,
    media=_vision(10, 50, images=5),
    fusion=Fusion.ON_REQUEST,
    has_instruction=True,
    requests_per_minute=1200,
    tokens_per_minute=600_000,
    price=0.258,
)
_DASHSCOPE_VISION = (
    ModelSpec(
        key="multimodal-embedding-v1",
        dimension=1024,
        dimensions=(1024,),
        max_rows=1,
        max_tokens=512,
        modalities=EVERYTHING,
        media=SMALLEST_MEDIA,
        requests_per_minute=120,
    ),
    _VISION_PLUS,
    replace(
        _VISION_PLUS,
        key="tongyi-embedding-vision-flash",
        dimension=768,
        dimensions=(768, 512, 256, 128, 64),
    ),
    _QWEN_VL,
    replace(
        _QWEN_VL,
        key="qwen2.5-vl-embedding",
        dimension=1024,
        dimensions=(2048, 1024, 768, 512),
        media=_vision(5, 50),
        fusion=Fusion.ALWAYS,
        requests_per_minute=120,
        tokens_per_minute=None,
    ),
)

_OPENAI_SMALL = ModelSpec(
    key="text-embedding-3-small",
    dimension=1536,
    dimensions=(1536, 1024, 768, 512, 256, 128, 64),
    max_rows=2048,
    max_tokens=8192,
    max_call_tokens=300_000,
    requests_per_minute=3000,
    tokens_per_minute=1_000_000,
    price=0.02,
    provider="openai",
)
_JINA_V3 = ModelSpec(
    key="jina-embeddings-v3",
    dimension=1024,
    dimensions=(1024, 768, 512, 256, 128, 64, 32),
    max_rows=512,
    max_tokens=8192,
    requests_per_minute=500,
    tokens_per_minute=1_000_000,
    price=0.05,
    provider="jina",
)
_VOYAGE_4 = ModelSpec(
    key="voyage-4",
    dimension=1024,
    dimensions=(2048, 1024, 512, 256),
    max_rows=1000,
    max_tokens=32_000,
    max_call_tokens=320_000,
    requests_per_minute=2000,
    tokens_per_minute=8_000_000,
    price=0.06,
    provider="voyage",
)
_VOYAGE_LITE = replace(
    _VOYAGE_4,
    key="voyage-4-lite",
    max_call_tokens=1_000_000,
    tokens_per_minute=16_000_000,
    price=0.02,
)
_COHERE_V4 = ModelSpec(
    key="embed-v4.0",
    dimension=1536,
    dimensions=(1536, 1024, 512, 256),
    max_rows=96,
    max_tokens=128_000,
    max_call_tokens=128_000,
    # It counts inputs, 2,000 a minute: so many full calls.
    requests_per_minute=20,
    price=0.12,
    provider="cohere",
)
_OTHERS = (
    _OPENAI_SMALL,
    replace(
        _OPENAI_SMALL,
        key="text-embedding-3-large",
        dimension=3072,
        dimensions=(3072, 2048, 1536, 1024, 768, 512, 256, 128, 64),
        price=0.13,
    ),
    _JINA_V3,
    replace(
        _JINA_V3,
        key="jina-embeddings-v5-text-small",
        dimensions=(1024, 512, 256, 128, 64, 32),
        max_tokens=32_768,
    ),
    replace(
        _VOYAGE_4,
        key="voyage-4-large",
        max_call_tokens=120_000,
        tokens_per_minute=3_000_000,
        price=0.12,
    ),
    _VOYAGE_4,
    _VOYAGE_LITE,
    replace(_VOYAGE_4, key="voyage-3.5"),
    replace(_VOYAGE_LITE, key="voyage-3.5-lite"),
    _COHERE_V4,
    replace(
        _COHERE_V4,
        key="embed-multilingual-v3.0",
        dimension=1024,
        dimensions=(1024,),
        max_tokens=512,
        max_call_tokens=None,
        price=0.1,
    ),
)


def _models() -> Iterator[HostedModel]:
    for spec in (*_DASHSCOPE_TEXT, *_DASHSCOPE_VISION):
        yield _hosted(spec, DASHSCOPE)
    for spec in _DASHSCOPE_TEXT:
        # That protocol has a parameter for neither.
        plain = replace(
            spec, key=spec.key + COMPATIBLE_SUFFIX, has_sparse=False, has_instruction=False
        )
        yield _hosted(plain, COMPATIBLE)
    for spec in _OTHERS:
        yield _hosted(spec, spec.provider)


def _hosted(spec: ModelSpec, provider: str) -> HostedModel:
    return HostedModel(
        spec=replace(spec, provider=provider, is_hosted=True),
        name=spec.key.removesuffix(COMPATIBLE_SUFFIX),
        provider=provider,
    )


HOSTED: Mapping[str, HostedModel] = {model.spec.key: model for model in _models()}
