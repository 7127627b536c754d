import io
import json
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from embeddings.local.fake import FakeEmbedder
from embeddings.types import Input, Output, Role
from recommender.models import EmbeddingSpend
from tests.shop import Shop

pytestmark = pytest.mark.django_db


def embed_file(path: object, *options: str) -> list[dict]:
    """The rows that it writes to stdout."""
    output = io.StringIO()
    call_command("embed_file", str(path), "--model", "fake", *options, stdout=output)
    return [json.loads(line) for line in output.getvalue().splitlines()]


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def expected(text: str, role: Role = Role.DOCUMENT, **how: object) -> np.ndarray:
    return FakeEmbedder(**how).embed([Input(text=text)], role).vectors[0]


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return written(tmp_path / "two.txt", "Blue mug\nDesk lamp\n")


def test_every_line_gets_its_vector_in_order(two: Path) -> None:
    first, second = embed_file(two)
    assert (first["line"], second["line"]) == (1, 2)
    np.testing.assert_allclose(first["embedding"], expected("Blue mug"), rtol=1e-6)
    np.testing.assert_allclose(second["embedding"], expected("Desk lamp"), rtol=1e-6)


def test_a_vector_is_what_was_asked_for(two: Path) -> None:
    options = ("--dimension", "8", "--role", "query", "--instruction", "Find gifts")
    row, _ = embed_file(two, *options)
    vector = expected("Blue mug", Role.QUERY, dimension=8, instruction="Find gifts")
    np.testing.assert_allclose(row["embedding"], vector, rtol=1e-6)


def test_sparse_vectors_are_lists_of_weighted_tokens(two: Path) -> None:
    both, _ = embed_file(two, "--output-type", "dense&sparse")
    sparse, _ = embed_file(two, "--output-type", "sparse")
    made = FakeEmbedder(output=Output.SPARSE).embed([Input(text="Blue mug")], Role.DOCUMENT)
    weights = [
        {"index": index, "value": value, "token": token}
        for index, value, token in zip(
            made.sparse[0].indices, made.sparse[0].values, made.sparse[0].tokens, strict=True
        )
    ]
    assert sparse == {"line": 1, "sparse_embedding": weights}
    assert both["sparse_embedding"] == weights
    assert len(both["embedding"]) == 64


def test_a_line_that_cannot_be_embedded_says_why_and_so_does_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path / "mixed.txt", b"Blue mug\r\n\n  \ncaf\xe9\nDesk lamp")
    out = tmp_path / "out.jsonl"

    with pytest.raises(CommandError, match="3 lines have no vector; their rows say why"):
        embed_file(path, "--to", str(out))

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["line"] for row in rows] == [1, 2, 3, 4, 5]
    np.testing.assert_allclose(rows[0]["embedding"], expected("Blue mug"), rtol=1e-6)
    assert [row["embedding"] for row in rows[1:4]] == [None] * 3
    assert "blank" in rows[1]["error"]
    assert rows[3]["error"] == "The line is not UTF-8; correct it."
    assert "2 vectors of 5 lines." in capsys.readouterr().err


def test_stdin_is_read_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbfBlue mug\n")))
    (row,) = embed_file("-")
    np.testing.assert_allclose(row["embedding"], expected("Blue mug"), rtol=1e-6)


def test_an_empty_file_is_no_error(tmp_path: Path) -> None:
    assert embed_file(written(tmp_path / "empty.txt", "")) == []


def test_a_catalog_is_booked_for_its_lines(two: Path, shop: Shop) -> None:
    embed_file(two, "--catalog", "shop")
    row = EmbeddingSpend.objects.get()
    assert (row.catalog, row.space_id, row.rows, row.tokens) == (shop.catalog, None, 2, 4)


def test_a_dry_run_counts_and_sends_nothing(tmp_path: Path, shop: Shop) -> None:
    path = written(tmp_path / "many.txt", "Blue mug\n" * 1000 + "\n")
    output = io.StringIO()

    options = ("--model", "text-embedding-v4", "--catalog", "shop", "--dry-run")
    call_command("embed_file", str(path), *options, stdout=output)

    assert output.getvalue().startswith(
        "1,001 lines, 1 of them blank or unreadable, 0 in the cache; about "
    )
    assert "Nothing was sent." in output.getvalue()
    assert not EmbeddingSpend.objects.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("missing.txt",), r"Cannot read missing.txt: No such file"),
        ((".",), r"Cannot read \.: Is a directory"),
        (("two.txt", "--model", "nothing"), "no embedding model 'nothing'"),
        (("two.txt", "--catalog", "nowhere"), "no catalog 'nowhere'"),
        (("two.txt", "--to", "."), r"--to|Cannot write \.: Is a directory"),
        (("two.txt", "--to", "two.txt"), "is the file that is read"),
        (("two.txt", "--to", "no/such/out"), "Cannot write no/such/out: No such file"),
        (("two.txt", "--role", "reader"), "invalid choice"),
    ],
)
def test_what_cannot_be_says_why(
    two: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], complaint: str
) -> None:
    monkeypatch.chdir(two.parent)
    with pytest.raises(CommandError, match=complaint):
        call_command("embed_file", *arguments)
    assert two.read_text() == "Blue mug\nDesk lamp\n"


class Interrupted(io.StringIO):
    """A file that Ctrl-C meets in the midst of being written."""

    def write(self, text: str, /) -> int:
        half = super().write(text[: len(text) // 2])
        signal.raise_signal(signal.SIGINT)
        return half + super().write(text[len(text) // 2 :])


def test_ctrl_c_leaves_whole_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = written(tmp_path / "many.txt", "Blue mug\n" * 2000), Interrupted()

    with pytest.raises(KeyboardInterrupt):
        call_command("embed_file", str(path), "--model", "fake", stdout=output)

    rows = [json.loads(line) for line in output.getvalue().splitlines()]
    assert [row["line"] for row in rows] == list(range(1, 513))
