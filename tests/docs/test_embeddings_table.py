"""The tables of docs/embeddings.md: whole, as the code is, and every test they name is there."""

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from embeddings.factory import Models
from embeddings.providers.known_models import HOSTED
from embeddings.providers.table import DASHSCOPE, PROVIDERS
from embeddings.spec import Fusion, ModelSpec
from embeddings.types import Input, Modality, Role
from tests.embeddings.embedded import embed_all
from tests.stub import Behaviour, Stub

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "embeddings.md"
MODELS = Models()

_NAMED = re.compile(r"`((?:\w+/)*test_\w+\.py)::([\w:]+)`")
_VENDOR = "## The vendor's page"
# The tables that must be whole, and prove what they say; the others only help a reader.
_PROVEN = ("## Configure", "## Models", _VENDOR)
_HEADERS = ("provider", "model", "what the page says")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, without what makes it one."""

    section: str
    cells: tuple[str, ...]


def rows() -> Iterator[Row]:
    """The lines of the tables that are held to the code, without their headers."""
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line
        cells = tuple(cell.strip() for cell in line.strip("|").split(" | "))
        if section in _PROVEN and line.startswith("| ") and cells[0] not in _HEADERS:
            yield Row(section, cells)


def rows_by_key() -> Mapping[str, tuple[str, ...]]:
    """The lines of providers and of models."""
    return {row.cells[0].strip("`"): row.cells for row in rows() if row.section != _VENDOR}


def described(spec: ModelSpec) -> tuple[str, ...]:
    """What the page says of a model before it names its tests."""
    dimensions = ", ".join(_dimension(dimension, spec) for dimension in spec.dimensions)
    return (
        f"`{spec.key}`",
        spec.provider if spec.is_hosted else "here",
        dimensions or f"any, **{spec.dimension}**",
        f"{spec.max_rows:,}",
        f"{spec.max_tokens:,}" if spec.max_tokens else "-",
        ", ".join(kind for kind in Modality if kind in spec.modalities),
        "dense, sparse" if spec.has_sparse else "dense",
        "yes" if spec.has_instruction else "no",
        f"{spec.price:g}" if spec.price else "free",
    )


def _dimension(dimension: int, spec: ModelSpec) -> str:
    is_default = dimension == spec.dimension and len(spec.dimensions) > 1
    return f"**{dimension}**" if is_default else f"{dimension}"


def defined(path: Path) -> set[str]:
    """The tests of a file, `test_it` or `TestThem::test_it`."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
            methods = (method.name for method in node.body if isinstance(method, ast.FunctionDef))
            names.update(f"{node.name}::{name}" for name in methods)
    return names


@pytest.mark.parametrize("key", MODELS.keys())
def test_a_models_line_says_what_the_code_has(key: str) -> None:
    expected = described(MODELS.spec(key))

    cells = rows_by_key().get(key, ())
    assert cells[: len(expected)] == expected, f"put this line there: | {' | '.join(expected)} |"
    assert len(cells) == len(expected) + 1


def test_no_line_is_of_a_model_or_a_provider_that_there_is_not() -> None:
    assert rows_by_key().keys() == {*MODELS.keys(), *PROVIDERS}


def test_every_line_names_a_test() -> None:
    lines = list(rows())

    assert len([row for row in lines if row.section == _VENDOR]) > 40
    assert [row.cells[0] for row in lines if not _NAMED.search(row.cells[-1])] == []


def test_every_test_that_is_named_is_there() -> None:
    named = set(_NAMED.findall(PAGE.read_text(encoding="utf-8")))

    assert named
    missing = [f"{path}::{name}" for path, name in named if not (TESTS / path).exists()]
    assert missing == []
    assert [f"{path}::{name}" for path, name in named if name not in defined(TESTS / path)] == []


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_providers_line_names_its_variables(name: str) -> None:
    provider, line = PROVIDERS[name], rows_by_key()[name]

    assert line[1] == (f"`{provider.api_key_env}`" if provider.api_key_env else "-")
    assert line[2] == (f"`{provider.base_url_env}`" if provider.base_url_env else "-")


def test_the_vendors_formats_are_the_pages() -> None:
    media = MODELS.spec("multimodal-embedding-v1").media

    assert media is not None
    for prefix, formats in (("images ", media.image_formats), ("videos ", media.video_formats)):
        (line,) = [row.cells[0] for row in rows() if row.cells[0].startswith(prefix)]
        # The last part is the size.
        named = line.removeprefix(prefix).split(", ")[:-1]
        assert {name.lower() for name in named} == formats


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with Stub() as stub:
        yield stub


@pytest.mark.parametrize("key", HOSTED)
def test_every_hosted_model_gives_each_of_its_dimensions(stub: Stub, key: str) -> None:
    spec = MODELS.spec(key)
    # Asked for nothing else, a double gives the longest vectors of the model.
    stub.behave(Behaviour(dimension=max(spec.dimensions), fuses=spec.fusion is Fusion.ALWAYS))
    models = Models({}, _environment(stub))

    for dimension in spec.dimensions:
        embeddings = embed_all(models.create(key, dimension), list(_inputs(spec)), Role.DOCUMENT)
        assert embeddings.vectors.shape == (len(spec.modalities), dimension)
        np.testing.assert_allclose(np.linalg.norm(embeddings.vectors, axis=1), 1, atol=1e-5)


def _inputs(spec: ModelSpec) -> Iterator[Input]:
    """One of each kind that the model reads."""
    kinds = {
        Modality.TEXT: Input(text="a red mug"),
        Modality.IMAGE: Input(images=("https://shop.example/mug.png",)),
        Modality.VIDEO: Input(video="https://shop.example/mug.mp4"),
    }
    return (kinds[kind] for kind in Modality if kind in spec.modalities)


def _environment(stub: Stub) -> dict[str, str]:
    """The variables that send every known provider's calls to the stub."""
    environment: dict[str, str] = {}
    for name, provider in PROVIDERS.items():
        url = stub.native_url if name == DASHSCOPE else stub.compatible_url
        environment |= {provider.api_key_env: "k", provider.base_url_env: url}
    return environment
