"""The table of embedding models: a key in, an embedder out."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from embeddings.base import Embedder
from embeddings.errors import Misconfigured
from embeddings.local import aligned, fake, image_model, minilm, universal, wordllama
from embeddings.local.fake import FakeEmbedder
from embeddings.local.image import LocalImageEmbedder
from embeddings.local.text import LocalEmbedder, TextModel
from embeddings.providers.dashscope import DashScopeMultimodalEmbedder, DashScopeTextEmbedder
from embeddings.providers.known_models import HOSTED, HostedModel
from embeddings.providers.openai_compatible import OpenAICompatibleEmbedder
from embeddings.providers.overrides import overridden
from embeddings.providers.table import PROVIDERS, WORKSPACE_ENV, Provider
from embeddings.spec import TEXT_ONLY, ModelSpec
from embeddings.types import Output

_Build = Callable[[ModelSpec, str, Output], Embedder]


@dataclass(frozen=True, slots=True)
class _Local:
    """A model of this process, and what makes its embedder of spec, instruction and output.

    `check_installed` raises Misconfigured where its packages are missing.
    """

    spec: ModelSpec
    build: _Build
    check_installed: Callable[[], None] = lambda: None


def _text(load: Callable[[], TextModel]) -> _Build:
    # These models have neither instructions nor sparse vectors: their specs have refused both.
    return lambda spec, _instruction, _output: LocalEmbedder(spec, load)


def _unaligned(spec: ModelSpec, _instruction: str, _output: Output) -> Embedder:
    raise Misconfigured(
        f"{spec.key} works with a map learnt from a catalog's pictures and titles; build a space "
        "of it, and use that."
    )


def _local(media_hosts: frozenset[str]) -> dict[str, _Local]:
    """The models of this process; `media_hosts` as in `Models`."""

    def image(_spec: ModelSpec, _instruction: str, _output: Output) -> Embedder:
        return LocalImageEmbedder(allowed_hosts=media_hosts)

    models = (
        _Local(wordllama.SPEC, _text(wordllama.load)),
        _Local(minilm.SPEC, _text(minilm.load), minilm.check_installed),
        _Local(universal.SPEC, _text(universal.load), universal.check_installed),
        _Local(image_model.SPEC, image),
        _Local(aligned.SPEC, _unaligned),
        _Local(fake.SPEC, FakeEmbedder.of),
    )
    return {model.spec.key: model for model in models}


class Models:
    """Every model there is: those that come with Kinship, changed and added to."""

    def __init__(
        self,
        overrides: Mapping[str, object] | None = None,
        environment: Mapping[str, str] | None = None,
        media_hosts: frozenset[str] = frozenset(),
    ) -> None:
        """The table with these changes.

        Args:
            overrides: as in `embeddings.providers.overrides`.
            environment: those of `providers.variable_names` that are set.
            media_hosts: names, in lower case, of hosts of pictures that need not be on the public
                internet.

        Raises:
            Misconfigured: an override is not right; the message names the model and the field.
        """
        given = overrides or {}
        self._local = _local(media_hosts)
        if local := sorted(self._local.keys() & given.keys()):
            raise Misconfigured(f"{', '.join(local)} cannot be changed: it runs in this process.")
        self._hosted = overridden(HOSTED, given)
        self._environment = environment or {}

    def keys(self) -> tuple[str, ...]:
        """The models' keys, those that need no network first."""
        return (*self._local, *self._hosted)

    def spec(self, key: str) -> ModelSpec:
        """A model at its default dimension; no API key is needed to know it.

        Raises:
            Misconfigured: there is no such model.
        """
        if key in self._local:
            return self._local[key].spec
        if key in self._hosted:
            return self._hosted[key].spec
        known = ", ".join(self.keys())
        raise Misconfigured(f"There is no embedding model {key!r}; use one of: {known}.")

    def check_installed(self, key: str) -> None:
        """Check that the packages of a model are there; nothing is loaded.

        Raises:
            Misconfigured: they are not; the message says how to install them. Or there is no such
                model.
        """
        self.spec(key)
        if key in self._local:
            self._local[key].check_installed()

    def account(self, key: str) -> str:
        """Names the account that a model is used with, and does not tell its API key.

        What a provider counts by account, it counts together for models of one account. Empty
        where there is no key, or no such model.
        """
        model = self._hosted.get(key)
        api_key = self._environment.get(_api_key_env(model), "") if model else ""
        return hashlib.sha256(api_key.encode()).hexdigest()[:16] if api_key else ""

    def create(
        self,
        key: str,
        dimension: int | None = None,
        *,
        instruction: str = "",
        output: Output = Output.DENSE,
    ) -> Embedder:
        """The embedder of a model, at one of its dimensions or at its default one.

        Cheap: a local model is loaded when it first embeds, once a process, and connections are
        shared. One that needs an alignment is made by `embeddings.local.aligned.aligned` instead.

        Raises:
            Misconfigured: there is no such model, it cannot do what is asked, it needs an
                alignment, or its provider's API key is not set.
        """
        spec = self.spec(key).at(dimension)
        spec.check_output(output, instruction)
        if key in self._local:
            return self._local[key].build(spec, instruction, output)
        return self._hosted_embedder(replace(self._hosted[key], spec=spec), instruction, output)

    def _hosted_embedder(self, model: HostedModel, instruction: str, output: Output) -> Embedder:
        provider = PROVIDERS[model.provider]
        base_url = self._base_url(model, provider)
        api_key = self._api_key(model)
        timeout = model.timeout or provider.timeout
        if provider.options is not None:
            return OpenAICompatibleEmbedder(
                model.spec,
                name=model.name,
                base_url=base_url,
                api_key=api_key,
                options=replace(provider.options, prompts=model.prompts),
                instruction=instruction,
                timeout=timeout,
            )
        is_text = model.spec.modalities == TEXT_ONLY
        native = DashScopeTextEmbedder if is_text else DashScopeMultimodalEmbedder
        return native(
            model.spec,
            name=model.name,
            base_url=base_url,
            api_key=api_key,
            instruction=instruction,
            output=output,
            timeout=timeout,
            workspace=self._environment.get(WORKSPACE_ENV, ""),
        )

    def _base_url(self, model: HostedModel, provider: Provider) -> str:
        configured = self._environment.get(provider.base_url_env, "")
        return model.base_url or configured or provider.base_url

    def _api_key(self, model: HostedModel) -> str:
        name = _api_key_env(model)
        if not name:
            return ""
        key = self._environment.get(name, "")
        if not key:
            raise Misconfigured(
                f"{model.spec.key} needs the API key of its provider; set {name} in the "
                "environment of the service and of its workers."
            )
        return key


def _api_key_env(model: HostedModel) -> str:
    return model.api_key_env or PROVIDERS[model.provider].api_key_env
