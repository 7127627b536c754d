import pytest

from recommender.catalog import keys
from recommender.models import ApiKey
from tests.recommender.api.client import Api, problem
from tests.recommender.api.embeddings.client import (
    COMPATIBLE,
    MULTIMODAL,
    PATHS,
    TEXT,
    answer,
    body_for,
    error,
)
from tests.recommender.api.test_auth import ANY_KEY, SERVER_ONLY

NO_KEY = {COMPATIBLE: "invalid_api_key", TEXT: "InvalidApiKey", MULTIMODAL: "InvalidApiKey"}
NO_RIGHT = {COMPATIBLE: "access_denied", TEXT: "AccessDenied", MULTIMODAL: "AccessDenied"}
NO_MODEL = {COMPATIBLE: "model_not_found", TEXT: "ModelNotFound", MULTIMODAL: "ModelNotFound"}
NO_METHOD = dict.fromkeys(PATHS, "MethodNotAllowed") | {COMPATIBLE: "method_not_allowed"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_an_embed_key_and_a_server_key_are_answered(embed, api, path, slash):
    for caller in (embed.api, api):
        answer(caller.post(path + slash, body_for(path)))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", [None, "", "sk-unknown", "ü" * 100, "x" * 5000])
def test_an_unknown_key_is_refused_in_the_form_of_the_protocol(db, path, key):
    response = Api(key if key is None else key.encode().decode("latin-1")).post(
        path, body_for(path)
    )
    assert error(response, 401)[0] == NO_KEY[path]
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", PATHS)
def test_a_revoked_key_is_refused(embed, path):
    keys.revoke(ApiKey.objects.get())
    assert error(embed.api.post(path, body_for(path)), 401)[0] == NO_KEY[path]


@pytest.mark.parametrize("path", PATHS)
def test_a_browser_key_may_not_embed(browser, path):
    code, message = error(browser.post(path, body_for(path)), 403)
    assert code == NO_RIGHT[path]
    assert message == "This needs a key of scope embed or server; yours is of scope browser."


def test_an_embed_key_may_do_nothing_else(embed):
    for method, path in SERVER_ONLY + ANY_KEY:
        problem(embed.api.send(method, path, b"{}"), 403, "wrong-scope")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_another_method_is_refused_in_the_form_of_the_protocol(embed, path, method):
    response = embed.api.send(method, path, b"{}")
    assert error(response, 405)[0] == NO_METHOD[path]
    assert response["Allow"] == "POST"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"model": "fake", "input": "\\ud800"}',
        b'{"model": "fake", "input": "a\\u0000b"}',
        b'{"a":' * 300 + b"1" + b"}" * 300,
        b"[" * 100_000,
        b"NaN",
    ],
)
def test_a_body_that_is_not_json_is_refused(embed, path, body):
    assert error(embed.api.send("POST", path, body), 400)[0] == "BadRequest.IllegalInput"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"1"])
def test_a_body_that_is_not_an_object_is_refused(embed, path, body):
    assert error(embed.api.send("POST", path, body), 400)[0] == "InvalidParameter"


@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_is_too_large_is_refused(embed, path, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = embed.api.post(path, body_for(path, "mug " * 1000))
    code, message = error(response, 413)
    assert code == "BadRequest.TooLarge"
    assert "KINSHIP_MAX_BODY_MB" in message


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("model", ["text-embedding-v99", "../fake", "fake ", "x" * 10_000])
def test_an_unknown_model_is_refused(embed, path, model):
    code, message = error(embed.api.post(path, body_for(path, model=model)), 404)
    assert code == NO_MODEL[path]
    assert "does not exist" in message


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("model", "code"),
    [
        (None, "BadRequest.EmptyModel"),
        ("", "BadRequest.EmptyModel"),
        (7, "InvalidParameter"),
        (["fake"], "InvalidParameter"),
    ],
)
def test_a_model_must_be_named(embed, path, model, code):
    assert error(embed.api.post(path, body_for(path) | {"model": model}), 400)[0] == code


@pytest.mark.parametrize("path", PATHS)
def test_an_address_that_is_none_is_an_error_of_the_protocol(embed, path):
    unknown = path.rpartition("/")[0] + "/completions"
    code, message = error(embed.api.post(unknown, {}), 404)
    assert code == ("not_found" if path == COMPATIBLE else "NotFound")
    assert unknown in message
