"""Every Python example of the vendor's page, as it stands there, against the running service."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e import sdk
from tests.e2e.sdk import POEM, Ran, Sdk
from tests.e2e.service import Service

pytestmark = pytest.mark.slow

EXAMPLES = sorted(path.stem for path in (sdk.SCRIPTS / "examples").glob("*.py"))
ROWS = {"string": 1, "list": len(POEM), "file": len(POEM)}
ASKS_FOR_1024 = {"openai_string", "dashscope_string", "dashscope_list"}

# All that an example does not keep: the service's address and, in a second run, the model's name.
# The key comes from the environment, as the examples have it; no address of media is fetched.
VENDOR = "https://dashscope-intl.aliyuncs.com"
NAMES = (
    '"text-embedding-v3"',
    "dashscope.TextEmbedding.Models.text_embedding_v3",
    "TextEmbedding.Models.text_embedding_v3",
    '"multimodal-embedding-v1"',
)

# The model's own name is asked of a double of the vendor, through the service.
MODELS = ("hosted", "fake")


@pytest.fixture(scope="module", params=sdk.VERSIONS)
def ran(
    request: pytest.FixtureRequest, service: Service, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Ran]:
    """The examples, each with its own model and with `fake`."""
    version: str = request.param
    sdk.need(version)
    catalog = f"examples-{version.replace('.', '-')}"
    service.manage("create_catalog", catalog)
    key = service.manage("create_api_key", catalog, "--scope", "embed").strip()
    directory = tmp_path_factory.mktemp("examples")
    scripts = [
        _placed(directory, example, model, service) for example in EXAMPLES for model in MODELS
    ]
    return Sdk(version, service, key).run(scripts, directory)


def _placed(directory: Path, example: str, model: str, service: Service) -> Path:
    text = (sdk.SCRIPTS / "examples" / f"{example}.py").read_text(encoding="utf-8")
    text = text.replace(VENDOR, service.url)
    if model != "hosted":
        for name in NAMES:
            text = text.replace(name, f'"{model}"')
    path = directory / f"{example}-{model}.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_python_example_of_the_page_is_there():
    assert [
        *("dashscope_file", "dashscope_list", "dashscope_string"),
        *("multimodal_image", "multimodal_text", "multimodal_video"),
        *("openai_file", "openai_list", "openai_string"),
    ] == EXAMPLES


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("example", ["string", "list", "file"])
def test_an_openai_example_prints_what_the_page_shows(ran, example, model):
    answer = ran[f"openai_{example}-{model}"].json()
    assert set(answer) == {"data", "model", "object", "usage", "id"}
    assert (answer["object"], answer["id"] != "") == ("list", True)
    assert answer["model"] == ("text-embedding-v3" if model == "hosted" else model)
    assert set(answer["usage"]) == {"prompt_tokens", "total_tokens"}
    assert answer["usage"]["prompt_tokens"] == answer["usage"]["total_tokens"] > 0
    assert [row["index"] for row in answer["data"]] == list(range(ROWS[example]))
    for row in answer["data"]:
        assert set(row) == {"embedding", "index", "object"}
        assert row["object"] == "embedding"
        assert len(row["embedding"]) == dimension(f"openai_{example}", model)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("example", ["string", "list", "file"])
def test_a_dashscope_example_prints_what_the_page_shows(ran, example, model):
    answer = ran[f"dashscope_{example}-{model}"].json()
    assert set(answer) == {"status_code", "request_id", "code", "message", "output", "usage"}
    assert (answer["status_code"], answer["code"], answer["message"]) == (200, "", "")
    assert answer["request_id"]
    assert set(answer["usage"]) == {"total_tokens"}
    assert answer["usage"]["total_tokens"] > 0
    rows = answer["output"]["embeddings"]
    assert [row["text_index"] for row in rows] == list(range(ROWS[example]))
    for row in rows:
        check_row(row, example, model)


def check_row(row: dict[str, Any], example: str, model: str) -> None:
    """The string example asks for sparse vectors, too."""
    asked = {"sparse_embedding"} if example == "string" else set()
    assert set(row) == {"text_index", "embedding"} | asked
    assert len(row["embedding"]) == dimension(f"dashscope_{example}", model)
    for weight in row.get("sparse_embedding", []):
        assert set(weight) == {"index", "value", "token"}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("kind", ["text", "image", "video"])
def test_a_multimodal_example_prints_what_the_page_shows(ran, kind, model):
    (row,) = ran[f"multimodal_{kind}-{model}"].json()["embeddings"]
    assert set(row) == {"index", "embedding", "type"}
    assert (row["index"], row["type"]) == (0, kind)
    assert len(row["embedding"]) == (1024 if model == "hosted" else 64)


def dimension(example: str, model: str) -> int:
    """1,024 where the example asks for it, and where that is the model's own."""
    return 1024 if model == "hosted" or example in ASKS_FOR_1024 else 64
