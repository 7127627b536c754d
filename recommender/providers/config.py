"""What the environment says of embedding models: which there are, where they answer, the keys."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from embeddings.providers.table import variable_names

_EXAMPLE = '{"text-embedding-v4": {"price": 0.07}}'


@dataclass(frozen=True, slots=True, eq=False)
class ModelsConfig:
    """What differs from the table of models.

    `overrides` (see `embeddings.providers.overrides`) are not checked yet.
    `environment` holds the variables, API keys among them, that models are told by.
    """

    overrides: Mapping[str, object] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_config(environ: Mapping[str, str], base_dir: Path) -> ModelsConfig:
    """Read KINSHIP_MODELS and the variables that it and the table of providers name.

    Raises:
        ImproperlyConfigured: KINSHIP_MODELS is neither a JSON object nor a file of one.
    """
    overrides = _overrides(environ.get("KINSHIP_MODELS", "").strip(), base_dir)
    names = variable_names(overrides)
    return ModelsConfig(overrides, {name: environ[name] for name in names if environ.get(name)})


def _overrides(value: str, base_dir: Path) -> dict[str, Any]:
    """The object that JSON text, or the file at a path, holds."""
    if not value:
        return {}
    try:
        if value.startswith("{"):
            found = json.loads(value)
        else:
            found = _read(base_dir / Path(value).expanduser())
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, tomllib.TOMLDecodeError) as exc:
        raise ImproperlyConfigured(
            f"KINSHIP_MODELS cannot be read: {exc}. Give JSON such as {_EXAMPLE}, or the path of "
            "a .json or .toml file of such."
        ) from exc
    if not isinstance(found, dict):
        raise ImproperlyConfigured(
            f"KINSHIP_MODELS must be an object of models by key, such as {_EXAMPLE}."
        )
    return found


def _read(path: Path) -> object:
    text = path.read_text(encoding="utf-8")
    return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
