"""A post is believed where it is signed as Standard Webhooks say, and new."""

import pytest

from kinship_client import webhooks
from kinship_client.webhooks import WebhookError
from recommender.webhooks import signing

SECRET = "whsec_S2luc2hpcCBrZWVwcyB0aGlzIGFzIGFuIGV4YW1wbGU="
OTHER = "whsec_QW5vdGhlciBzZWNyZXQgb2Ygc29tZWJvZHkgZWxzZS4="
BODY = '{"type":"feed.failed","timestamp":"x","catalog":"é","data":{"error":"Gone."}}'.encode()
AT = 1_700_000_000


def headers(secret: str = SECRET, at: int = AT) -> dict[str, str]:
    return signing.headers(secret, "msg_1", at, BODY)


def test_what_the_service_signs_is_believed() -> None:
    told = webhooks.verify(SECRET, headers(), BODY, now=AT + 100)
    assert (told["type"], told["catalog"], told["data"]["error"]) == ("feed.failed", "é", "Gone.")


def test_the_example_of_the_standard_is_believed() -> None:
    # Of the specification's own test of its libraries.
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    given = {
        "Webhook-Id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "Webhook-Timestamp": "1614265330",
        "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    assert webhooks.verify(secret, given, b'{"test": 2432232314}', now=1614265330) == {
        "test": 2432232314
    }


def test_one_of_several_signatures_is_enough() -> None:
    both = headers(OTHER)["webhook-signature"] + " v2,x " + headers()["webhook-signature"]
    webhooks.verify(SECRET, {**headers(), "webhook-signature": both}, BODY, now=AT)


@pytest.mark.parametrize(
    ("changed", "body", "now", "says"),
    [
        ({}, BODY + b" ", AT, "not signed"),
        ({"webhook-id": "msg_2"}, BODY, AT, "not signed"),
        ({"webhook-timestamp": str(AT + 1)}, BODY, AT, "not signed"),
        ({"webhook-signature": "v1,é"}, BODY, AT, "not signed"),
        ({"webhook-signature": ""}, BODY, AT, "missing"),
        ({"webhook-timestamp": "soon"}, BODY, AT, "no Unix time"),
        ({}, BODY, AT + 301, "too old"),
        ({}, BODY, AT - 301, "too old"),
    ],
)
def test_what_was_changed_or_is_old_is_not_believed(
    changed: dict[str, str], body: bytes, now: int, says: str
) -> None:
    with pytest.raises(WebhookError, match=says):
        webhooks.verify(SECRET, headers() | changed, body, now=now)


def test_another_secret_or_none_does_not_do() -> None:
    with pytest.raises(WebhookError, match="not signed"):
        webhooks.verify(OTHER, headers(), BODY, now=AT)
    for wrong in ("whsec_", "whsec_é", "hush!"):
        with pytest.raises(ValueError, match="secret"):
            webhooks.verify(wrong, headers(), BODY, now=AT)
