import multiprocessing
import socket
import socketserver
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from embeddings.errors import EmbeddingError, Misconfigured, Rejected, Unavailable
from embeddings.providers import http
from embeddings.providers.http import Endpoint
from tests.stub import Cut, Reply, Stub

KEY = "sk-0123456789-secret"
BODY = {"model": "m", "input": "mug", "dimensions": 4}


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as stub:
        yield stub


def post(stub: Stub, timeout: float = 10, key: str = KEY) -> dict[str, Any]:
    return Endpoint(stub.compatible_url, key).post("embeddings", BODY, timeout=timeout)


@contextmanager
def server(*, answering: bytes, then_hold: bool = False) -> Iterator[str]:
    """Whatever is sent, these bytes are the answer."""
    released = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answering)
            if then_hold:
                released.wait(10)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as tcp:
        serving = threading.Thread(target=tcp.serve_forever, args=(0.02,))
        serving.start()
        try:
            yield f"http://127.0.0.1:{tcp.server_address[1]}"
        finally:
            released.set()
            tcp.shutdown()
            serving.join()


def test_it_sends_json_with_the_key_and_gives_the_answer(stub: Stub) -> None:
    answer = post(stub)

    assert len(answer["data"][0]["embedding"]) == 4
    (call,) = stub.record.calls
    assert call.path == "/compatible-mode/v1/embeddings"
    assert call.body == BODY
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["content-type"] == "application/json"


def test_without_a_key_no_key_is_sent(stub: Stub) -> None:
    with pytest.raises(Misconfigured):
        post(stub, key="")
    assert "authorization" not in stub.record.calls[0].headers


def test_more_headers_may_go_with_a_call(stub: Stub) -> None:
    endpoint = Endpoint(stub.compatible_url, KEY, {"X-DashScope-WorkSpace": "ws"})
    endpoint.post("embeddings", BODY, timeout=10)

    assert stub.record.calls[0].headers["x-dashscope-workspace"] == "ws"


def test_threads_share_connections_and_each_gets_its_own_answer(stub: Stub) -> None:
    def tokens(count: int) -> int:
        body = BODY | {"input": ["mug"] * count}
        answer = Endpoint(stub.compatible_url, KEY).post("embeddings", body, timeout=10)
        return int(answer["usage"]["total_tokens"])

    counts = [1 + number % 10 for number in range(80)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tokens, counts)) == counts
    assert len({call.port for call in stub.record.calls}) <= 8


def _call_from_a_child(url: str, results: Any) -> None:
    answer = Endpoint(url, KEY).post("embeddings", BODY, timeout=10)
    results.put(answer["usage"]["total_tokens"])


# Newer Pythons warn; the child calls nothing that another thread could have locked.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_connections_of_its_own(stub: Stub) -> None:
    post(stub)
    fork = multiprocessing.get_context("fork")
    results = fork.Queue()
    child = fork.Process(target=_call_from_a_child, args=(stub.compatible_url, results))
    child.start()
    try:
        assert results.get(timeout=20) == 1
    finally:
        child.join(10)
    post(stub)

    before, childs, after = [call.port for call in stub.record.calls]
    assert before == after != childs


def test_a_slow_answer_is_given_up(stub: Stub) -> None:
    stub.script(Reply(delay=30))

    with pytest.raises(Unavailable, match=r"127.0.0.1 did not answer within 0.2 s") as caught:
        post(stub, timeout=0.2)
    assert isinstance(caught.value.__cause__, httpx.ReadTimeout)


def test_an_answer_that_trickles_in_is_given_up() -> None:
    class Trickle(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not stopping.wait(0.05):
                try:
                    self.request.sendall(b" ")
                except OSError:
                    return

    stopping = threading.Event()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trickle) as tcp:
        serving = threading.Thread(target=tcp.serve_forever, args=(0.02,))
        serving.start()
        try:
            endpoint = Endpoint(f"http://127.0.0.1:{tcp.server_address[1]}", KEY)
            with pytest.raises(Unavailable, match=r"did not answer within 0.3 s"):
                endpoint.post("embeddings", BODY, timeout=0.3)
        finally:
            stopping.set()
            tcp.shutdown()
            serving.join()


@pytest.mark.parametrize("cut", [Cut.BEFORE_HEADERS, Cut.AFTER_HEADERS])
def test_a_cut_connection_can_be_tried_again(stub: Stub, cut: Cut) -> None:
    stub.script(Reply(cut=cut))

    with pytest.raises(Unavailable, match="broke off its answer") as caught:
        post(stub)
    assert isinstance(caught.value.__cause__, httpx.TransportError)
    assert not caught.value.is_throttling
    assert post(stub)["object"] == "list"


def test_nobody_at_the_address_says_what_to_check() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    endpoint = Endpoint(f"http://127.0.0.1:{port}", KEY)

    with pytest.raises(Unavailable, match=r"cannot be reached \(.*refused.*\); check the base URL"):
        endpoint.post("embeddings", BODY, timeout=5)


def test_an_unknown_host_says_what_to_check() -> None:
    endpoint = Endpoint("http://nowhere.invalid", KEY)

    with pytest.raises(Unavailable, match=r"nowhere.invalid cannot be reached \(.+\); check"):
        endpoint.post("embeddings", BODY, timeout=5)


@pytest.mark.parametrize(
    "raw", [b"<html>Log in</html>", b"", b"[]", b"null", b"\xff\xfe", b"[" * 9999]
)
def test_a_success_that_is_no_json_object_is_not_the_providers(stub: Stub, raw: bytes) -> None:
    stub.script(Reply(raw=raw))

    with pytest.raises(Unavailable, match="no JSON object, as a proxy does"):
        post(stub)


def test_a_number_that_is_none_is_read_as_such(stub: Stub) -> None:
    stub.script(Reply(raw=b'{"embedding": [1, NaN]}'))

    assert str(post(stub)["embedding"]) == "[1, nan]"


def test_a_body_that_is_not_what_its_encoding_says_can_be_tried_again() -> None:
    answering = (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n"
        b"Connection: close\r\n\r\nnot gzip!"
    )
    with server(answering=answering) as url, pytest.raises(Unavailable, match="broke off"):
        Endpoint(url, KEY).post("embeddings", BODY, timeout=5)


def test_what_is_no_http_at_all_can_be_tried_again() -> None:
    with server(answering=b"SSH-2.0-OpenSSH\r\n") as url, pytest.raises(Unavailable):
        Endpoint(url, KEY).post("embeddings", BODY, timeout=5)


def test_a_very_large_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_MOST_BYTES", 1000)
    # It never ends: only who stops reading gets on.
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    with (
        server(answering=head + b"x" * 5000, then_hold=True) as url,
        pytest.raises(Unavailable, match="sent over 1000 bytes"),
    ):
        Endpoint(url, KEY).post("embeddings", BODY, timeout=5)


def test_a_redirect_is_not_followed_with_the_key(stub: Stub) -> None:
    stub.script(Reply(status=307, body={}, headers={"Location": f"{stub.url}/embeddings"}))

    with pytest.raises(Misconfigured, match="Set the base URL"):
        post(stub)
    assert stub.record.requests == 1


def test_an_error_is_ruled_on_with_the_pause_it_asks_for(stub: Stub) -> None:
    stub.script(
        Reply(status=429, body={"code": "Throttling"}, headers={"Retry-After": "3"}),
        Reply(status=400, body={"code": "InvalidParameter", "message": "no"}),
    )
    with pytest.raises(Unavailable) as throttled:
        post(stub)
    with pytest.raises(Rejected):
        post(stub)

    assert throttled.value.is_throttling
    assert throttled.value.retry_after == 3


@pytest.mark.parametrize(
    "url", ["", "dashscope.aliyuncs.com/api/v1", "ftp://host/v1", "http://host:port/v1"]
)
def test_a_base_url_that_is_none_is_for_a_person_to_correct(url: str) -> None:
    with pytest.raises(Misconfigured, match="URL"):
        Endpoint(url, KEY)


def test_a_header_that_is_none_is_for_a_person_to_correct() -> None:
    with pytest.raises(Misconfigured, match=r"'a\\nb' cannot be sent as X-DashScope-WorkSpace"):
        Endpoint("http://127.0.0.1:1", KEY, {"X-DashScope-WorkSpace": "a\nb"})


@pytest.mark.parametrize("key", [f"{KEY}\n", f"{KEY} ", f"{KEY}ü", f"Bearer {KEY}"])
def test_a_key_that_is_none_is_for_a_person_to_correct_and_not_repeated(key: str) -> None:
    with pytest.raises(Misconfigured, match="API key") as caught:
        Endpoint("http://127.0.0.1:1", key)

    assert KEY not in _everything(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=401, body={"error": {"message": f"Incorrect API key provided: {KEY}"}}),
        Reply(status=500, raw=f"<html>Authorization: Bearer {KEY}</html>".encode()),
        Reply(status=400, body={"code": KEY, "message": "no"}),
        Reply(cut=Cut.BEFORE_HEADERS),
        Reply(raw=KEY.encode()),
        Reply(delay=30),
    ],
)
def test_no_error_tells_the_key(stub: Stub, reply: Reply) -> None:
    stub.script(reply)

    with pytest.raises(EmbeddingError) as caught:
        post(stub, timeout=0.5)
    assert KEY not in _everything(caught.value)


def test_the_key_is_not_in_the_representation() -> None:
    assert KEY not in repr(Endpoint("https://host.example/v1", KEY))


def _everything(error: EmbeddingError) -> str:
    return "".join(traceback.format_exception(error)) + repr(vars(error))
