"""System checks of the embedding models' settings: wrong ones are told before anything starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from embeddings.errors import Misconfigured
from recommender.providers import models


def check_models(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001 - Django's signature
    """KINSHIP_MODELS is right, and KINSHIP_DEFAULT_MODEL names a model.

    A missing API key is no error: only the spaces that need it stop.
    """
    try:
        models.spec(settings.DEFAULT_MODEL)
    except ImproperlyConfigured as exc:
        return [Error(str(exc), id="kinship.E001")]
    except Misconfigured as exc:
        return [Error(f"KINSHIP_DEFAULT_MODEL: {exc}", id="kinship.E002")]
    return []
