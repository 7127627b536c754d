"""The double behaves as the vendor's page says the provider does."""

import base64
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.stack.config import PROJECT_DIR
from tests.stub import Behaviour, Cut, Reply, Stub, faults
from tests.stub.windows import SlidingWindow, per_second
from tests.threads import wait_until

TEXT = "services/embeddings/text-embedding/text-embedding"
MULTIMODAL = "services/embeddings/multimodal-embedding/multimodal-embedding"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as stub:
        yield stub


def post(url: str, body: Any, key: str = "k") -> httpx.Response:
    return httpx.post(url, json=body, headers={"Authorization": f"Bearer {key}"}, timeout=10)


def text(stub: Stub, *texts: str, **parameters: Any) -> httpx.Response:
    body = {"model": "m", "input": {"texts": list(texts)}, "parameters": parameters}
    return post(f"{stub.native_url}/{TEXT}", body)


def multimodal(stub: Stub, *contents: Any, **parameters: Any) -> httpx.Response:
    body = {"model": "m", "input": {"contents": list(contents)}, "parameters": parameters}
    return post(f"{stub.native_url}/{MULTIMODAL}", body)


def compatible(stub: Stub, asked: Any, **parameters: Any) -> httpx.Response:
    body = {"model": "m", "input": asked} | parameters
    return post(f"{stub.compatible_url}/embeddings", body)


def test_native_text_has_the_vendors_shape(stub: Stub) -> None:
    answer = text(stub, "red mug", "blue cup", dimension=64).json()

    assert answer.keys() == {"request_id", "output", "usage"}
    assert [row["text_index"] for row in answer["output"]["embeddings"]] == [0, 1]
    assert {len(row["embedding"]) for row in answer["output"]["embeddings"]} == {64}
    assert answer["usage"] == {"total_tokens": 4}


@pytest.mark.parametrize(
    ("output_type", "held"),
    [
        ("dense", {"embedding"}),
        ("sparse", {"sparse_embedding"}),
        ("dense&sparse", {"embedding", "sparse_embedding"}),
    ],
)
def test_it_gives_the_outputs_that_are_asked_for(
    stub: Stub, output_type: str, held: set[str]
) -> None:
    (row,) = text(stub, "red mug", output_type=output_type).json()["output"]["embeddings"]

    assert row.keys() == {"text_index"} | held
    for weight in row.get("sparse_embedding", ()):
        assert weight.keys() == {"index", "value", "token"}


def test_an_instruction_counts_with_queries_only(stub: Stub) -> None:
    def vector(**parameters: str) -> Any:
        answer = text(stub, "mug", **parameters).json()
        return answer["output"]["embeddings"][0]["embedding"]

    plain = vector(text_type="query")
    assert vector(text_type="query", instruct="Find gifts") != plain
    assert vector(text_type="document", instruct="Find gifts") == plain


def test_contents_get_a_vector_each_or_one_when_fused(stub: Stub) -> None:
    contents = [{"text": "mug"}, {"image": "https://img.example/mug.png"}]
    answer = multimodal(stub, *contents, dimension=8).json()
    rows = answer["output"]["embeddings"]
    (fused,) = multimodal(stub, *contents, enable_fusion=True).json()["output"]["embeddings"]

    assert [(row["index"], row["type"]) for row in rows] == [(0, "text"), (1, "image")]
    assert fused["type"] == "fusion"
    assert answer["usage"] == {"input_tokens": 1, "image_count": 1, "duration": 0}
    assert (answer["status_code"], answer["code"], answer["message"]) == (200, "", "")


def test_compatible_has_openais_shape_in_numbers_and_in_base64(stub: Stub) -> None:
    numbers = compatible(stub, ["mug", "cup"], dimensions=16).json()
    encoded = compatible(stub, "mug", dimensions=16, encoding_format="base64").json()

    assert numbers.keys() == {"object", "model", "id", "data", "usage"}
    assert [row["index"] for row in numbers["data"]] == [0, 1]
    assert numbers["usage"] == {"prompt_tokens": 2, "total_tokens": 2}
    decoded = np.frombuffer(base64.b64decode(encoded["data"][0]["embedding"]), "<f4")
    np.testing.assert_array_equal(decoded, np.float32(numbers["data"][0]["embedding"]))


def test_every_protocol_gives_a_text_the_same_vector_every_time(stub: Stub) -> None:
    native = text(stub, "red mug").json()["output"]["embeddings"][0]["embedding"]
    again = text(stub, "cup", "red mug").json()["output"]["embeddings"][1]["embedding"]
    other = compatible(stub, "red mug").json()["data"][0]["embedding"]

    assert native == again == other
    assert len(native) == 1024


def test_more_rows_than_allowed_are_refused_in_the_vendors_words(stub: Stub) -> None:
    native = text(stub, *["mug"] * 11)
    nested = compatible(stub, ["mug"] * 11)

    assert (native.status_code, nested.status_code) == (400, 400)
    assert native.json().keys() == {"code", "message", "request_id"}
    assert "should not be larger than 10" in native.json()["message"]
    assert nested.json()["error"]["message"] == native.json()["message"]


@pytest.mark.parametrize("row", ["mug " * 8193, " "])
def test_a_row_that_is_too_long_or_blank_is_refused(stub: Stub, row: str) -> None:
    answer = text(stub, "cup", row)

    assert answer.status_code == 400
    assert "Range of input length should be [1, 8192]" in answer.json()["message"]
    assert not stub.record.paid


@pytest.mark.parametrize("asked", [[1, 2, 3], [[1, 2]], {"a": 1}, None])
def test_token_arrays_are_refused(stub: Stub, asked: Any) -> None:
    assert "neither str nor list of str" in compatible(stub, asked).json()["error"]["message"]


@pytest.mark.parametrize("code", ["DataInspectionFailed", "InvalidParameter"])
def test_a_poisoned_row_has_its_whole_call_refused(code: str) -> None:
    with Stub(Behaviour(poison={"arsenic": code})) as stub:
        refused = text(stub, "mug", "arsenic tea")
        taken = text(stub, "mug")

    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert taken.status_code == 200
    assert stub.record.paid == {"mug": 1}


def test_only_the_key_it_is_given_opens_it() -> None:
    with Stub(Behaviour(api_key="right")) as stub:
        url, body = f"{stub.compatible_url}/embeddings", {"model": "m", "input": "mug"}
        assert post(url, body, "right").status_code == 200
        assert post(url, body, "wrong").json()["error"]["code"] == "invalid_api_key"


def test_scripted_replies_come_in_order_and_then_the_true_ones(stub: Stub) -> None:
    stub.script(
        Reply(status=503, body={"code": "ServiceUnavailable"}, headers={"Retry-After": "7"}),
        Reply(raw=b"<html>"),
        Reply(rows=faults.backwards),
    )
    first, second, third = text(stub, "a"), text(stub, "a"), text(stub, "a", "b")

    assert (first.status_code, first.headers["retry-after"]) == (503, "7")
    assert second.content == b"<html>"
    assert [row["text_index"] for row in third.json()["output"]["embeddings"]] == [1, 0]
    assert text(stub, "a").status_code == 200


@pytest.mark.parametrize("cut", [Cut.BEFORE_HEADERS, Cut.AFTER_HEADERS])
def test_a_cut_answer_is_not_paid(stub: Stub, cut: Cut) -> None:
    stub.script(Reply(cut=cut))

    with pytest.raises(httpx.RemoteProtocolError):
        text(stub, "mug")
    assert not stub.record.paid
    assert stub.record.statuses == {0: 1}


def test_shares_of_calls_fail_and_the_same_ones_each_time() -> None:
    def outcomes() -> list[int]:
        behaviour = Behaviour(failing=0.2, throttling=0.2, dropping=0.2, seed=7)
        with Stub(behaviour) as stub, httpx.Client(headers={"Authorization": "Bearer k"}) as client:
            return [status(client, stub) for _ in range(60)]

    def status(client: httpx.Client, stub: Stub) -> int:
        try:
            body = {"model": "m", "input": "mug", "dimensions": 4}
            return client.post(f"{stub.compatible_url}/embeddings", json=body).status_code
        except httpx.RemoteProtocolError:
            return 0

    statuses = outcomes()
    assert set(statuses) == {200, 500, 429, 0}
    assert statuses == outcomes()


def test_more_than_the_limit_takes_is_throttled_and_counted() -> None:
    # One in twenty seconds, so that a slow machine does not reach the second.
    with Stub(Behaviour(requests_per_minute=3)) as stub, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: text(stub, "mug"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [200] + [429] * 7
    assert stub.record.throttled == 7
    assert {"Throttling.BurstRate"} == {
        answer.json()["code"] for answer in answers if answer.status_code == 429
    }


def test_more_tokens_than_a_minute_takes_are_throttled() -> None:
    with Stub(Behaviour(tokens_per_minute=3)) as stub:
        statuses = [text(stub, "red mug").status_code, text(stub, "red mug").status_code]

    assert statuses == [200, 429]


def test_it_may_behave_otherwise_from_now_on(stub: Stub) -> None:
    stub.behave(Behaviour(failing=1.0))
    assert text(stub, "mug").status_code == 500
    stub.behave(Behaviour())
    assert text(stub, "mug").status_code == 200


def test_it_keeps_what_it_was_asked_and_says_what_it_counted(stub: Stub) -> None:
    text(stub, "mug")
    text(stub, "mug", "cup")

    assert stub.record.calls[0].body["input"] == {"texts": ["mug"]}
    assert stub.record.calls[0].headers["authorization"] == "Bearer k"
    assert httpx.get(stub.url).json() == {
        "requests": 2,
        "statuses": {"200": 2},
        "rows": 3,
        "rows_paid_twice": 1,
    }


def ask(stub: Stub) -> None:
    """A call that may find nobody any more."""
    with suppress(httpx.TransportError):
        text(stub, "mug")


def test_leaving_it_ends_what_it_has_not_answered_yet() -> None:
    with Stub(Behaviour(latency=60)) as stub:
        calling = threading.Thread(target=ask, args=(stub,))
        calling.start()
        wait_until(lambda: stub.record.requests == 1)
        began = time.monotonic()
    calling.join(timeout=10)

    assert time.monotonic() - began < 10
    assert not calling.is_alive()


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "tests.stub", "--poison", "arsenic"]
    with subprocess.Popen(command, cwd=PROJECT_DIR, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            native_url = process.stdout.readline().split()[0]
            body = {"model": "m", "input": {"texts": ["arsenic"]}}
            assert post(f"{native_url}/{TEXT}", body).json()["code"] == "DataInspectionFailed"
        finally:
            process.terminate()
        said = process.stdout.read()
    assert process.returncode == 0
    assert "'requests': 1" in said


@given(
    most=st.integers(1, 5),
    seconds=st.floats(0.1, 3.0),
    steps=st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(1, 3)), max_size=40),
)
def test_no_window_of_time_holds_more_than_it_may(
    most: int, seconds: float, steps: list[tuple[float, int]]
) -> None:
    window, now = SlidingWindow(most, seconds), 0.0
    passed: list[tuple[float, int]] = []
    for step, amount in steps:
        now += step
        if window.admits(now, amount):
            passed.append((now, amount))
    for end, _ in passed:
        assert sum(amount for at, amount in passed if end - seconds < at <= end) <= most


@pytest.mark.parametrize(
    ("requests_per_minute", "at", "taken"),
    [(120, [0, 0.1, 0.2, 1.05, 1.15], 4), (30, [0, 1, 2.1, 3], 2)],
)
def test_a_limit_a_minute_is_held_every_second(
    requests_per_minute: int, at: list[float], taken: int
) -> None:
    window = per_second(requests_per_minute)

    assert sum(window.admits(now) for now in at) == taken
