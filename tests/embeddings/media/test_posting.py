from collections.abc import Iterator

import pytest

from embeddings.errors import Rejected, Unavailable
from embeddings.media.connection import TimeLimits
from embeddings.media.posting import post
from tests.receiver import Receiver, receiver

HERE = frozenset({"127.0.0.1"})
TIMES = TimeLimits(connect=2.0, read=2.0, total=2.0)


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def test_a_body_is_posted_and_any_status_is_told(there: Receiver) -> None:
    there.answers["/in"] = 500
    there.headers["X-Why"] = "broken"
    posted = post(
        there.address("/in?a=b#c"), "é".encode(), {"X-Own": "1"}, TIMES, allowed_hosts=HERE
    )
    assert (posted.status, posted.text, posted.headers["x-why"]) == (204, "", "broken")
    posted = post(there.address("/in"), b"", {}, TIMES, allowed_hosts=HERE)
    assert (posted.status, posted.text) == (500, "Thus it is.")
    first = there.posts[0]
    assert (first.path, first.body, first.headers["X-Own"]) == ("/in?a=b", "é".encode(), "1")
    assert first.headers["Host"] == f"127.0.0.1:{there.port}"


@pytest.mark.parametrize(
    "address", ["ftp://shop.example", "http://", "http://a:b/", "http://me:x@127.0.0.1/"]
)
def test_what_is_no_such_address_is_refused(address: str) -> None:
    with pytest.raises(Rejected):
        post(address, b"", {}, TIMES, allowed_hosts=HERE)


def test_a_name_that_leads_to_this_machine_is_refused(there: Receiver) -> None:
    with pytest.raises(Rejected, match="not on the public internet"):
        post(
            f"http://shop.example:{there.port}/", b"", {}, TIMES,
            resolve=lambda _host, _port: ["127.0.0.1"],
        )  # fmt: skip
    assert there.posts == []


def test_who_does_not_answer_in_time_is_left(there: Receiver) -> None:
    there.slow.add("/slow")
    with pytest.raises(Unavailable, match="did not answer in time"):
        post(there.address("/slow"), b"", {}, TIMES, allowed_hosts=HERE)
