import os
import re
import subprocess
import sys

import pytest
from django.contrib.auth.models import User
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.test import Client

from recommender.catalog import catalogs
from recommender.middleware import PagesOnly
from recommender.models import ApiKey
from recommender.stack.config import PROJECT_DIR
from tests.recommender.api.client import Api
from tests.shop import Shop

LOGIN = "/admin/login/"


@pytest.fixture
def browser() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def operator(db) -> User:
    return User.objects.create_superuser("operator", password="a long password")


def sign_in(browser: Client, token: str) -> int:
    form = {
        "username": "operator",
        "password": "a long password",
        "csrfmiddlewaretoken": token,
        "next": "/admin/",
    }
    return browser.post(LOGIN, form).status_code


def test_the_admin_refuses_a_form_without_its_token(browser, operator):
    assert sign_in(browser, "") == 403
    page = browser.get(LOGIN)
    assert page.status_code == 200
    assert sign_in(browser, "x" * 64) == 403
    assert "sessionid" not in browser.cookies


def test_the_admin_takes_a_form_with_its_token(browser, operator):
    token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(LOGIN).content)
    assert token
    assert sign_in(browser, token[1].decode()) == 302
    assert "sessionid" in browser.cookies


@pytest.fixture
def api(shop: Shop) -> Api:
    return Api(catalogs.create_key(shop.catalog, ApiKey.Scope.SERVER))


def test_two_hosts_are_refused(client):
    for path in ("/v1/products", "/healthz", "/admin/login/"):
        answer = client.get(path, headers={"Host": "127.0.0.1,evil.example"})
        assert answer.status_code == 400
        assert "one Host header" in answer.content.decode()


def test_a_value_that_the_database_refuses_is_a_page_with_the_reason(rf):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("done")

    refused = PagesOnly(view).process_exception(rf.post("/admin/a/"), DataError("value too long"))
    assert refused.status_code == 400
    assert "The database refuses a value: value too long." in refused.content.decode()
    assert PagesOnly(view).process_exception(rf.post("/v1/events"), DataError("x")) is None


def test_no_content_has_no_length(api):
    api.put("/v1/users/u1", {})
    gone = api.delete("/v1/users/u1")
    assert gone.status_code == 204
    assert "Content-Length" not in gone
    assert "Content-Type" not in gone


def test_a_view_of_the_admin_that_does_not_protect_itself_is_protected(rf):
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse("done")

    middleware = PagesOnly(view)
    refused = middleware.process_view(rf.post("/admin/do/"), view, (), {})
    assert refused is not None
    assert refused.status_code == 403
    assert middleware.process_view(rf.get("/admin/do/"), view, (), {}) is None
    assert middleware.process_view(rf.post("/v1/events"), view, (), {}) is None


def test_the_admin_sends_who_is_not_signed_in_to_its_login(browser, db):
    response = browser.get("/admin/recommender/product/")
    assert response.status_code == 302
    assert response["Location"].startswith(LOGIN)
    assert response["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/v1/products/mug-red", "/healthz", "/openapi.json", "/docs"])
def test_nothing_but_the_admin_has_sessions(operator, path):
    browser = Client()
    browser.force_login(operator)
    response = browser.get(path)
    assert not response.cookies
    assert "Cookie" not in response.get("Vary", "")
    assert "X-Frame-Options" not in response


def test_the_api_needs_no_csrf_token(browser, db):
    assert browser.post("/v1/events", {}, "application/json").status_code == 401


def test_a_session_of_the_admin_opens_no_door_of_the_api(operator):
    browser = Client()
    browser.force_login(operator)
    assert browser.get("/v1/products").status_code == 401


def policy_of(response: HttpResponse) -> dict[str, set[str]]:
    """What a page may load, by kind."""
    rules = (rule.split() for rule in response["Content-Security-Policy"].split(";"))
    return {kind: set(sources) for kind, *sources in rules}


def test_no_page_runs_a_script_that_is_written_in_it(admin_client):
    for path in ("/admin/", "/admin/login/", "/admin/recommender/product/", "/docs", "/dcos"):
        response = admin_client.get(path, headers={"Accept": "text/html"})
        policy = policy_of(response)
        assert policy.get("script-src", policy["default-src"]) <= {"'self'", "'unsafe-eval'"}
        assert policy["default-src"] == policy["form-action"] == {"'self'"}
        assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == {"'none'"}
        assert response["X-Content-Type-Options"] == "nosniff"
        assert not re.search(
            rb"<script(?![^>]*(src=|application/json))|<[^>]* on[a-z]+=", response.content
        )
        assert "Strict-Transport-Security" not in response
    assert "Content-Security-Policy" not in admin_client.get("/openapi.json")


def test_the_documentation_can_be_for_staff_only(browser, admin_client, settings):
    for path in ("/docs", "/openapi.json"):
        assert browser.get(path).status_code == 200
    settings.PUBLIC_DOCS = False
    for path in ("/docs", "/openapi.json"):
        refused = browser.get(path)
        assert (refused.status_code, refused["Location"]) == (302, f"{LOGIN}?next={path}")
        assert admin_client.get(path).status_code == 200


def test_behind_tls_cookies_and_the_admin_are_for_https_only(db):
    """Settings are read once a process."""
    code = """
import django; django.setup()
from django.test import Client
client = Client(SERVER_NAME="localhost")
print(client.get("/admin/login/").headers.get("Location"))
secure = client.get("/admin/login/", headers={"X-Forwarded-Proto": "https"})
print(secure.headers.get("Strict-Transport-Security"), secure.cookies["csrftoken"]["secure"])
print(client.get("/docs", headers={"X-Forwarded-Proto": "https"})["Strict-Transport-Security"])
from django.conf import settings; print(settings.SESSION_COOKIE_SECURE)
"""
    environment = os.environ | {
        "KINSHIP_TLS": "1",
        "DJANGO_SETTINGS_MODULE": "recommender.settings",
    }
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert said.splitlines() == [
        "https://localhost/admin/login/",
        "max-age=31536000 True",
        "max-age=31536000",
        "True",
    ]


@pytest.mark.slow
def test_djangos_own_check_of_a_deployment_is_clean(db):
    check = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        env=os.environ | {"KINSHIP_TLS": "1"},
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode, check.stderr) == (0, "")
    assert "no issues" in check.stdout
