"""Changing the table of hosted models, and adding to it, by configuration."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from embeddings.errors import Misconfigured
from embeddings.providers.known_models import SMALLEST_MEDIA, HostedModel
from embeddings.providers.table import DASHSCOPE, PROVIDERS
from embeddings.spec import TEXT_ONLY, Fusion, MediaLimits, ModelSpec
from embeddings.types import Modality, Role

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)
_Text = Annotated[str, Field(min_length=1)]
_ACCESS = {"name", "provider", "base_url", "api_key_env", "timeout", "prompts"}


class _Media(BaseModel):
    """The fields of `MediaLimits`."""

    model_config = _STRICT

    image_bytes: PositiveInt
    image_formats: frozenset[_Text]
    images: PositiveInt = 1
    video_bytes: Annotated[int, Field(ge=0)] = 0
    video_formats: frozenset[_Text] = frozenset()


class _Entry(BaseModel):
    """What may be said of a model: fields of `HostedModel` and of `ModelSpec`.

    Only what was given counts: the defaults are never read.
    """

    model_config = _STRICT

    provider: _Text = ""
    name: _Text = ""
    base_url: Annotated[str, Field(pattern=r"^https?://")] = ""
    api_key_env: str = ""
    timeout: Annotated[float, Field(gt=0)] = 0
    prompts: Mapping[Role, str] = {}
    dimension: PositiveInt = 0
    dimensions: Annotated[tuple[PositiveInt, ...], Field(min_length=1)] = ()
    max_rows: PositiveInt = 0
    max_tokens: PositiveInt = 0
    max_call_tokens: PositiveInt | None = None
    modalities: Annotated[frozenset[Modality], Field(min_length=1)] = TEXT_ONLY
    media: _Media | None = None
    fusion: Fusion = Fusion.NEVER
    has_sparse: bool = False
    has_instruction: bool = False
    requests_per_minute: PositiveInt | None = None
    tokens_per_minute: PositiveInt | None = None
    price: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0

    def given(self) -> dict[str, Any]:
        """The fields that were given."""
        fields = {name: getattr(self, name) for name in self.model_fields_set}
        if self.media is not None:
            fields["media"] = MediaLimits(**self.media.model_dump())
        return fields


def overridden(
    models: Mapping[str, HostedModel], overrides: Mapping[str, object]
) -> dict[str, HostedModel]:
    """The table with models changed and added.

    Args:
        overrides: by key, an object of fields of `HostedModel` and `ModelSpec`. A model that is
            not in the table needs `provider`, `dimension` and `max_tokens`.

    Raises:
        Misconfigured: a field is unknown, of the wrong type, missing, or not to be had.
    """
    changed = {
        key: _changed(key, models.get(key), _entry(key, fields))
        for key, fields in overrides.items()
    }
    return {**models, **changed}


def _entry(key: str, fields: object) -> _Entry:
    try:
        # As JSON, whose arrays and strings stand for sets and enumerations, and for nothing else.
        return _Entry.model_validate_json(orjson.dumps(fields))
    except ValidationError as exc:
        problems = "; ".join(
            f"{'.'.join(map(str, error['loc'])) or 'entry'}: {error['msg']}"
            for error in exc.errors(include_url=False)
        )
        raise Misconfigured(f"The entry of model {key!r} is not right: {problems}.") from exc


def _changed(key: str, known: HostedModel | None, entry: _Entry) -> HostedModel:
    given = entry.given()
    model = known or _new(key, given)
    fields = {name: given.pop(name) for name in _ACCESS & given.keys()}
    if "dimension" in given and "dimensions" not in given and not known:
        given["dimensions"] = (given["dimension"],)
    changed = replace(model, **fields, spec=replace(model.spec, **given))
    _check(changed)
    return replace(changed, spec=replace(changed.spec, **_derived(changed)))


def _new(key: str, given: Mapping[str, Any]) -> HostedModel:
    missing = [name for name in ("provider", "dimension", "max_tokens") if name not in given]
    if missing:
        raise Misconfigured(
            f"The entry of model {key!r}, which is not in the table, lacks {', '.join(missing)}."
        )
    provider = _provider(key, given["provider"])
    spec = ModelSpec(
        key=key,
        dimension=given["dimension"],
        dimensions=(),
        max_rows=PROVIDERS[provider].max_rows,
        max_tokens=given["max_tokens"],
        is_hosted=True,
    )
    return HostedModel(spec=spec, name=key, provider=provider)


def _provider(key: str, provider: str) -> str:
    if provider not in PROVIDERS:
        raise Misconfigured(
            f"The entry of model {key!r} names the provider {provider!r}, which there is not; "
            f"use one of: {', '.join(PROVIDERS)}."
        )
    return provider


def _derived(model: HostedModel) -> dict[str, Any]:
    """What follows from the rest of an entry."""
    derived: dict[str, Any] = {"provider": model.provider}
    if model.base_url:
        # Its outage is not that of the provider's own address, nor of another server.
        derived["provider"] = f"{model.provider} at {urlsplit(model.base_url).netloc}"
    if model.spec.modalities != TEXT_ONLY and model.spec.media is None:
        derived["media"] = SMALLEST_MEDIA
    if any("{instruction}" in prompt for prompt in model.prompts.values()):
        derived["has_instruction"] = True
    return derived


def _check(model: HostedModel) -> None:
    key, spec = model.spec.key, model.spec
    provider = PROVIDERS[_provider(key, model.provider)]
    spec.at(spec.dimension)
    if not (model.base_url or provider.base_url):
        raise Misconfigured(f"The entry of model {key!r} lacks base_url, where its server answers.")
    if model.provider == DASHSCOPE:
        refused = {"prompts": bool(model.prompts)}
    else:
        refused = {
            "modalities": spec.modalities != TEXT_ONLY,
            "has_sparse": spec.has_sparse,
            "has_instruction": spec.has_instruction,
        }
    if wrong := [name for name, is_wrong in refused.items() if is_wrong]:
        raise Misconfigured(
            f"The entry of model {key!r} gives {', '.join(wrong)}, which the protocol of provider "
            f"{model.provider!r} has no way to ask for; leave it out"
            + (", and put {instruction} into prompts." if "has_instruction" in wrong else ".")
        )
