"""The embedding models of this installation: those that come with it, as settings change them.

Wrong settings are told by system checks before anything starts.
"""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

import embeddings.local.aligned
from embeddings.base import Embedder
from embeddings.errors import Misconfigured
from embeddings.factory import Models
from embeddings.spec import ModelSpec
from embeddings.types import Output
from recommender.providers.config import ModelsConfig


def check_models(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """KINSHIP_MODELS is right, and KINSHIP_DEFAULT_MODEL names a model that is installed.

    A missing API key is no error: only the spaces that need it stop.
    """
    try:
        check_installed(settings.DEFAULT_MODEL)
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="kinship.E001")]
    except Misconfigured as exc:
        return [Error(f"KINSHIP_DEFAULT_MODEL: {exc}", id="kinship.E002")]
    return []


def keys() -> tuple[str, ...]:
    """The keys of all models, those that need no network first.

    Raises:
        ImproperlyConfigured: KINSHIP_MODELS is not right; so do the others below.
    """
    return _models(settings.MODELS, settings.MEDIA_HOSTS).keys()


def spec(key: str) -> ModelSpec:
    """A model and its limits, at its default dimension; no API key is needed to know it.

    Raises:
        Misconfigured: there is no such model.
    """
    return _models(settings.MODELS, settings.MEDIA_HOSTS).spec(key)


def check_installed(key: str) -> None:
    """Check that the packages of a model are there; nothing is loaded.

    Raises:
        Misconfigured: they are not; the message says how to install them. Or there is no such
            model.
    """
    _models(settings.MODELS, settings.MEDIA_HOSTS).check_installed(key)


def account(key: str) -> str:
    """Names the account that a model is used with, and does not tell its API key.

    Empty where there is no key, or no such model.
    """
    return _models(settings.MODELS, settings.MEDIA_HOSTS).account(key)


def embedder(
    key: str,
    dimension: int | None = None,
    *,
    instruction: str = "",
    output: Output = Output.DENSE,
) -> Embedder:
    """The embedder of a model, at one of its dimensions or at its default one.

    Cheap: a local model is loaded when it first embeds; connections are shared by the process.

    Raises:
        Misconfigured: there is no such model, it cannot do what is asked, or its provider's API
            key is not set.
    """
    models = _models(settings.MODELS, settings.MEDIA_HOSTS)
    return models.create(key, dimension, instruction=instruction, output=output)


def aligned(alignment: bytes) -> Embedder:
    """The embedder of texts and pictures, with the map that a catalog's space has learnt.

    Raises:
        Misconfigured: `alignment` is damaged.
    """
    return embeddings.local.aligned.aligned(alignment, allowed_hosts=settings.MEDIA_HOSTS)


@lru_cache(maxsize=1)
def _models(config: ModelsConfig, media_hosts: frozenset[str]) -> Models:
    try:
        return Models(config.overrides, config.environment, media_hosts)
    except Misconfigured as exc:
        raise ImproperlyConfigured(f"KINSHIP_MODELS: {exc}") from exc
