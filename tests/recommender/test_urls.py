import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.recommender.api.client import Api, problem

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
WAYS_BACK = ('<a href="/admin/">', '<a href="/docs">')


def test_where_no_catalog_is_shown_the_root_leads_to_the_admin(db, client):
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"] == "/admin/"


def test_a_person_who_is_lost_gets_a_page_with_a_way_back(client, admin_client):
    for caller, path in (
        (admin_client, "/admin/nothing/"),
        (admin_client, "/admin/recommender/nothing/"),
        (client, "/dcos"),
        (client, "/docs/<b>here</b>"),
    ):
        page = caller.get(path, headers=BROWSER)
        assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "Accept" in page["Vary"]
        html = page.content.decode()
        assert "There is no such page" in html
        assert "<b>here" not in html
        assert all(way in html for way in WAYS_BACK)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/products/a", "/healthz/a", "/api/nothing"])
def test_what_programs_ask_for_stays_json(db, client, path):
    for headers in ({}, BROWSER):
        assert client.get(path, headers=headers)["Content-Type"].startswith("application/")
    problem(Api(None).get("/dcos"), 404, "no-such-address")


def test_a_person_who_may_not_gets_a_page_with_a_way_back(db, client):
    clerk = User.objects.create_user("clerk", is_staff=True)
    client.force_login(clerk)
    refused = client.get("/admin/recommender/product/", headers=BROWSER)
    without_token = Client(enforce_csrf_checks=True).post("/admin/login/", headers=BROWSER)
    for page, words in ((refused, "lacks the permission"), (without_token, "send it again")):
        assert page.status_code == 403
        html = page.content.decode()
        assert words in html
        assert all(way in html for way in WAYS_BACK)
