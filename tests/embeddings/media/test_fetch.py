import base64
import gzip
import socket
import threading
import time
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.errors import EmbeddingError, Rejected, Unavailable
from embeddings.media import fetch
from embeddings.media.connection import TimeLimits
from embeddings.media.fetch import Media
from embeddings.spec import MediaLimits
from embeddings.types import Modality
from tests.embeddings.media_host import Answer, MediaHost, media_host

PNG = b"\x89PNG\r\n\x1a\n" + b"picture" * 20
MP4 = b"\0\0\0\x18ftypisom\0\0\0\0" + b"film" * 20
LIMITS = MediaLimits(
    image_bytes=1000,
    image_formats=frozenset({"png", "jpg"}),
    video_bytes=2000,
    video_formats=frozenset({"mp4"}),
)
HERE = frozenset({"127.0.0.1"})
QUICK = TimeLimits(connect=1, read=0.5, total=0.5)


@pytest.fixture(scope="module")
def host() -> Iterator[MediaHost]:
    with media_host() as running:
        yield running


def fetched(address: str, modality: Modality = Modality.IMAGE) -> Media:
    return fetch.fetch(address, LIMITS, modality, allowed_hosts=HERE, times=QUICK)


def data_uri(content: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(content).decode()


def test_a_picture_is_fetched_and_known_by_its_content(host: MediaHost) -> None:
    address = host.put("/a.gif", Answer(PNG, headers={"Content-Type": "image/gif"}))

    assert fetched(address) == Media(PNG, "png")


def test_a_video_has_limits_of_its_own(host: MediaHost) -> None:
    film = MP4 + bytes(1500)

    assert fetched(host.put("/film", film), Modality.VIDEO) == Media(film, "mp4")
    with pytest.raises(Rejected, match="larger"):
        fetched(host.put("/film", film), Modality.IMAGE)


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1/a.png",
        "file:///etc/passwd",
        "//127.0.0.1/a.png",
        "/a.png",
        "a.png",
        "http://",
        "http:///a.png",
        "http://user:secret@127.0.0.1/a.png",
        "http://127.0.0.1:0/a.png",
        "http://127.0.0.1:70000/a.png",
        "http://127.0.0.1/\n",
        "http://[::1/a.png",
        "http://" + "a" * 300 + "/a.png",
        "http://a..b/a.png",
        "gopher://127.0.0.1",
        "",
    ],
)
def test_an_address_that_never_works_is_refused(address: str) -> None:
    with pytest.raises(Rejected):
        fetched(address)


@given(st.text())
def test_any_address_is_refused_or_found_wanting_but_breaks_nothing(address: str) -> None:
    def resolve(name: str, port: int) -> list[str]:
        return []

    with pytest.raises(EmbeddingError):
        fetch.fetch(address, LIMITS, resolve=resolve)


@pytest.mark.parametrize("place", ["127.0.0.1", "localhost", "[::1]", "0x7f.1", "169.254.169.254"])
def test_a_host_that_is_not_public_is_not_spoken_to(host: MediaHost, place: str) -> None:
    host.put("/inner.png", PNG)
    host.hosts.clear()

    with pytest.raises(Rejected, match="not on the public internet"):
        fetch.fetch(host.address("/inner.png", place), LIMITS)
    assert host.hosts == []


def test_a_redirect_to_a_host_that_is_not_public_is_not_followed(host: MediaHost) -> None:
    secret = host.address("/secret.png", "localhost")
    host.put("/secret.png", PNG)
    address = host.put("/open", Answer(status=302, headers={"Location": secret}))
    host.hosts.clear()

    with pytest.raises(Rejected, match=r"localhost is .*not on the public internet"):
        fetched(address)
    assert len(host.hosts) == 1


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://me:pw@127.0.0.1/", "http://127.0.0.1:70000/"]
)
def test_a_redirect_to_what_is_no_address_is_refused(host: MediaHost, target: str) -> None:
    with pytest.raises(Rejected):
        fetched(host.put("/away", Answer(status=301, headers={"Location": target})))


def test_a_name_is_resolved_once_and_is_what_the_host_is_asked_for(host: MediaHost) -> None:
    asked: list[str] = []

    def resolve(name: str, port: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"]

    host.put("/a.png", PNG)
    host.hosts.clear()
    address = host.address("/a.png", "Pictures.Example")
    fetch.fetch(address, LIMITS, allowed_hosts=frozenset({"pictures.example"}), resolve=resolve)

    assert asked == ["pictures.example"]
    assert host.hosts == [address.lower().split("/")[2]]


def test_tls_is_asked_for_the_name_though_the_connection_is_to_an_address() -> None:
    heard: list[bytes] = []

    def hear() -> None:
        connection, _ = listener.accept()
        with connection:
            heard.append(connection.recv(4096))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=hear)
        thread.start()
        with pytest.raises(Unavailable, match=r"the connection to pictures\.example failed"):
            fetch.fetch(
                f"https://pictures.example:{listener.getsockname()[1]}/a.png",
                LIMITS,
                allowed_hosts=frozenset({"pictures.example"}),
                resolve=lambda *_: ["127.0.0.1"],
            )
        thread.join()
    assert b"pictures.example" in heard[0]


def test_the_second_address_of_a_host_is_tried_when_the_first_is_dead(host: MediaHost) -> None:
    media = fetch.fetch(
        host.put("/a.png", PNG).replace("127.0.0.1", "pictures.example"),
        LIMITS,
        allowed_hosts=frozenset({"pictures.example"}),
        resolve=lambda *_: ["127.0.0.9", "127.0.0.1"],
    )

    assert media.content == PNG


def test_three_redirects_are_followed_and_no_more(host: MediaHost) -> None:
    host.put("/r0", PNG)
    for hop in range(1, 5):
        host.put(f"/r{hop}", Answer(status=307, headers={"Location": f"r{hop - 1}"}))

    assert fetched(host.address("/r3")).content == PNG
    with pytest.raises(Rejected, match="redirects more than 3 times"):
        fetched(host.address("/r4"))


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204, 304])
def test_what_is_not_there_is_refused(host: MediaHost, status: int) -> None:
    with pytest.raises(Rejected, match=f"http.*/gone: its host answered {status}"):
        fetched(host.put("/gone", Answer(status=status)))


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_a_host_in_trouble_is_tried_again_later(host: MediaHost, status: int) -> None:
    with pytest.raises(Unavailable, match=f"answered {status}"):
        fetched(host.put("/trouble", Answer(status=status)))


def test_a_host_that_is_down_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Unavailable, match=r"the connection to 127\.0\.0\.1 failed"):
        fetched(f"http://127.0.0.1:{port}/a.png")


def test_a_host_that_speaks_something_else_is_tried_again_later(host: MediaHost) -> None:
    with pytest.raises(Unavailable, match="failed"):
        fetched(host.put("/odd", Answer(PNG, headers={"Content-Length": "x"})))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(PNG + bytes(100_000), headers={"Content-Length": "100148"}),
        Answer(PNG + bytes(100_000)),
        Answer(PNG, headers={"Content-Length": "1001"}),
        Answer(
            gzip.compress(PNG + bytes(100_000_000), mtime=0), headers={"Content-Encoding": "gzip"}
        ),
    ],
    ids=["declared", "undeclared", "declared only", "unfolding"],
)
def test_what_is_too_large_is_refused(host: MediaHost, answer: Answer) -> None:
    with pytest.raises(Rejected, match=r"larger than 0\.001 MB"):
        fetched(host.put("/huge", answer))


def test_a_body_of_exactly_the_limit_is_taken(host: MediaHost) -> None:
    whole = PNG.ljust(LIMITS.image_bytes, b".")

    assert fetched(host.put("/whole", whole)).content == whole
    assert fetched(data_uri(whole)).content == whole


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_what_was_compressed_all_the_same_is_unfolded(
    host: MediaHost, encoding: str, compress: object
) -> None:
    packed = compress(PNG)  # type: ignore[operator]  # both take bytes
    address = host.put("/packed", Answer(packed, headers={"Content-Encoding": encoding}))

    assert fetched(address).content == PNG


@pytest.mark.parametrize(
    ("encoding", "body"), [("br", PNG), ("gzip", PNG), ("gzip", gzip.compress(PNG, mtime=0)[:-30])]
)
def test_what_cannot_be_unfolded_is_refused(host: MediaHost, encoding: str, body: bytes) -> None:
    with pytest.raises(Rejected, match="compress"):
        fetched(host.put("/packed", Answer(body, headers={"Content-Encoding": encoding})))


def test_a_body_that_ends_too_soon_is_tried_again_later(host: MediaHost) -> None:
    with pytest.raises(Unavailable, match="failed"):
        fetched(host.put("/cut", Answer(PNG[:50], headers={"Content-Length": "148"})))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(PNG + bytes(800), drip=1),
        Answer(PNG, headers={"X-Long": "x" * 4000}, drip=1),
    ],
    ids=["body", "headers"],
)
def test_a_host_that_drips_holds_nobody_longer_than_the_deadline(
    host: MediaHost, answer: Answer
) -> None:
    started = time.monotonic()

    with pytest.raises(Unavailable, match="did not answer in time"):
        fetched(host.put("/drip", answer))
    assert time.monotonic() - started < 2 * QUICK.total + 1


def test_a_host_that_says_nothing_is_left_after_the_read_timeout() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(Unavailable, match="did not answer in time"),
    ):
        fetch.fetch(
            f"http://127.0.0.1:{silent.getsockname()[1]}/a.png",
            LIMITS,
            allowed_hosts=HERE,
            times=TimeLimits(connect=1, read=0.1, total=60),
        )


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<html>Sign in</html>", "nothing that is known"),
        (b"GIF89a" + bytes(20), "gif"),
        (MP4, "mp4"),
    ],
)
def test_another_format_is_refused_with_those_that_are_read(
    host: MediaHost, content: bytes, kind: str
) -> None:
    with pytest.raises(Rejected, match=f"{kind}.*one of: jpg, png"):
        fetched(host.put("/a.png", content))


def test_the_proxies_of_the_environment_are_not_used(
    host: MediaHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert fetched(host.put("/a.png", PNG)).content == PNG


def test_a_data_uri_is_read() -> None:
    assert fetched(data_uri(PNG)) == Media(PNG, "png")


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("data:,hello", "only data:image"),
        ("data:text/html;base64,aGVsbG8=", "only data:image"),
        ("data:image/png,%89PNG", "only data:image"),
        (data_uri(PNG) + "!", "not valid Base64"),
        (data_uri(PNG)[:-3], "not valid Base64"),
        (data_uri(PNG).replace("/png;base64,", "/png;base64, "), "not valid Base64"),
        ("data:image/png;base64,日本", "not valid Base64"),
        ("data:image/png;base64,", "nothing that is known"),
        (data_uri(PNG + bytes(1000)), "larger"),
        (data_uri(b"GIF89a" + bytes(20)), "gif"),
    ],
)
def test_a_data_uri_that_is_not_right_is_refused(uri: str, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        fetched(uri)


def test_a_long_address_is_cut_in_the_message() -> None:
    with pytest.raises(Rejected) as refused:
        fetched(data_uri(bytes(100_000)))
    assert len(str(refused.value)) < 250
