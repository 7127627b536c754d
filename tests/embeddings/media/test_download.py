"""What a download does beside what pictures need, which test_fetch has."""

import gzip
import tracemalloc
from collections.abc import Iterator

import pytest

from embeddings.errors import Rejected, Unavailable
from embeddings.media import download
from embeddings.media.connection import TimeLimits
from embeddings.media.download import Visit
from tests.embeddings.media_host import Answer, MediaHost, media_host

HERE = frozenset({"127.0.0.1"})
QUICK = TimeLimits(connect=1, read=0.5, total=5)


@pytest.fixture(scope="module")
def host() -> Iterator[MediaHost]:
    with media_host() as running:
        yield running


def visit(max_bytes: int = 10_000, **headers: str) -> Visit:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Visit(max_bytes=max_bytes, allowed_hosts=HERE, times=QUICK, headers=named)


def content(address: str, wanted: Visit) -> bytes:
    pieces: list[bytes] = []
    download.download(address, wanted, pieces.append)
    return b"".join(pieces)


def test_what_has_not_changed_is_not_sent_again(host: MediaHost) -> None:
    tag = Answer(b"id\n1\n", headers={"ETag": '"a"', "Content-Length": "5"})
    address = host.put("/feed.csv", tag)
    pieces: list[bytes] = []

    answer = download.download(address, visit(), pieces.append)
    assert (answer.is_modified, answer.headers["etag"], b"".join(pieces)) == (
        True,
        '"a"',
        b"id\n1\n",
    )

    again = download.download(address, visit(If_None_Match='"a"'), pieces.append)
    assert not again.is_modified
    assert len(pieces) == 1
    with pytest.raises(Rejected, match="304"):
        content(host.put("/always", Answer(status=304)), visit())


def test_what_is_compressed_in_several_parts_comes_whole(host: MediaHost) -> None:
    body = gzip.compress(b"a" * 3_000) + gzip.compress(b"b" * 3_000)
    address = host.put("/parts", Answer(body, headers={"Content-Encoding": "gzip"}))

    assert content(address, visit()) == b"a" * 3_000 + b"b" * 3_000


def test_what_unfolds_without_end_is_refused_in_little_memory(host: MediaHost) -> None:
    bomb = gzip.compress(bytes(200_000_000), 9)
    address = host.put("/bomb", Answer(bomb, headers={"Content-Encoding": "gzip"}))
    tracemalloc.start()
    try:
        with pytest.raises(Rejected, match="larger than 150 MB"):
            download.download(address, visit(150_000_000), lambda _: None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10_000_000


def test_what_ends_before_its_length_is_tried_again_later(host: MediaHost) -> None:
    address = host.put("/cut", Answer(b"id\n", headers={"Content-Length": "100"}))
    with pytest.raises(Unavailable, match=r"connection to 127\.0\.0\.1 failed"):
        content(address, visit())
