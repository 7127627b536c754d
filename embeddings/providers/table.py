"""The providers of hosted models: where each answers, with which key, in which dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from embeddings.types import Role

DASHSCOPE = "dashscope"
COMPATIBLE = "dashscope-compatible"
# Names the workspace of the DashScope account, where it is not the default one.
WORKSPACE_ENV = "DASHSCOPE_WORKSPACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOptions:
    """How a provider's dialect differs from OpenAI's.

    `dimensions` is its name of that parameter. Where it has none (None), whole vectors come, and
    their first numbers serve as smaller ones: right for models trained as Matryoshka (Kusupati et
    al. 2022), which alone have more than one dimension. `body` goes with every request, `roles`
    with those of a role. `prompts` are put before the texts of a role; `{instruction}` in one
    stands for the instruction, without which that prompt is left out.
    """

    dimensions: str | None = "dimensions"
    body: Mapping[str, object] = field(default_factory=lambda: {"encoding_format": "float"})
    roles: Mapping[Role, Mapping[str, object]] = field(default_factory=dict)
    prompts: Mapping[Role, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider of models.

    A model of it that is not in the table takes `max_rows` rows a call. `base_url_env` and
    `api_key_env` name environment variables; without the first there is only `base_url`, without
    the second it wants no key, unless a model's entry names one. `timeout` is of a call, in
    seconds. Without `options` it speaks the DashScope-native protocol.
    """

    base_url: str = ""
    base_url_env: str = ""
    api_key_env: str = ""
    max_rows: int
    timeout: float = 60.0
    options: ProviderOptions | None = None


_OPENAI = ProviderOptions()
_JINA = ProviderOptions(
    # It truncates nothing by itself then: a space says what becomes of a long text.
    body={"embedding_type": "float", "normalized": True, "truncate": False},
    roles={Role.QUERY: {"task": "retrieval.query"}, Role.DOCUMENT: {"task": "retrieval.passage"}},
)
_VOYAGE = ProviderOptions(
    dimensions="output_dimension",
    # Numbers are its default, and have no name.
    body={"truncation": False},
    roles={Role.QUERY: {"input_type": "query"}, Role.DOCUMENT: {"input_type": "document"}},
)
# Its OpenAI-compatible route documents neither dimensions nor input_type.
_COHERE = ProviderOptions(dimensions=None)

PROVIDERS: Mapping[str, Provider] = {
    DASHSCOPE: Provider(
        base_url="https://dashscope-intl.aliyuncs.com/api/v1",
        base_url_env="DASHSCOPE_HTTP_BASE_URL",
        api_key_env="DASHSCOPE_API_KEY",
        max_rows=10,
    ),
    COMPATIBLE: Provider(
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        base_url_env="DASHSCOPE_COMPATIBLE_BASE_URL",
        api_key_env="DASHSCOPE_API_KEY",
        max_rows=10,
        options=_OPENAI,
    ),
    "openai": Provider(
        base_url="https://api.openai.com/v1",
        base_url_env="OPENAI_BASE_URL",
        api_key_env="OPENAI_API_KEY",
        max_rows=2048,
        options=_OPENAI,
    ),
    "jina": Provider(
        base_url="https://api.jina.ai/v1",
        base_url_env="JINA_BASE_URL",
        api_key_env="JINA_API_KEY",
        max_rows=512,
        options=_JINA,
    ),
    "voyage": Provider(
        base_url="https://api.voyageai.com/v1",
        base_url_env="VOYAGE_BASE_URL",
        api_key_env="VOYAGE_API_KEY",
        max_rows=1000,
        options=_VOYAGE,
    ),
    "cohere": Provider(
        base_url="https://api.cohere.ai/compatibility/v1",
        base_url_env="COHERE_BASE_URL",
        api_key_env="COHERE_API_KEY",
        max_rows=96,
        options=_COHERE,
    ),
    # One's own servers: on a CPU, far fewer rows than they take outlast any timeout.
    "tei": Provider(max_rows=32, options=_OPENAI),
    "infinity": Provider(max_rows=64, options=_OPENAI),
    "ollama": Provider(base_url="http://127.0.0.1:11434/v1", max_rows=64, options=_OPENAI),
    "vllm": Provider(max_rows=64, options=_OPENAI),
}


def variable_names(overrides: Mapping[str, object]) -> set[str]:
    """The environment variables that models are told by: API keys, addresses, a workspace.

    `overrides` are as in `embeddings.providers.overrides`, checked or not; they may name more.
    """
    of_providers = (
        name
        for provider in PROVIDERS.values()
        for name in (provider.api_key_env, provider.base_url_env)
    )
    of_entries = (
        entry.get("api_key_env", "") for entry in overrides.values() if isinstance(entry, dict)
    )
    named = {WORKSPACE_ENV, *of_providers, *of_entries}
    return {name for name in named if isinstance(name, str) and name}
