"""kinship.js in a real browser: in a page of another origin, with a browser key."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from kinship_client import Kinship, KinshipError, sign_user_token
from tests.clients.conftest import Running

pytestmark = pytest.mark.slow

CHROMIUM = Path("/usr/bin/chromium")
SHOPPER = "sim-coffee-lover-01"
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

LIST = """
<section data-kinship-list="{name}" {more}>
  <template><article>
    <a data-kinship-href="/product/{{id}}?rec_id={{rec_id}}" data-kinship-text="title"></a>
    <b data-kinship-text="price"></b> <small data-kinship-text="why"></small>
  </article></template>
  <p>Our own choice</p>
</section>"""


class Pages:
    """A shop's web server of another origin: each path a body, with the snippet in its head."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.bodies: dict[str, str] = {}
        self.options = ""
        self.integrity = httpx.get(f"{running.url}/kinship.js").headers["X-Kinship-Integrity"]

    def page(self, path: str) -> str:
        script = (
            f'<script src="{self.running.url}/kinship.js" data-key="{self.running.browser_key}" '
            f'integrity="{self.integrity}" crossorigin defer {self.options}></script>'
        )
        return f"<!doctype html><meta charset=utf-8>{script}<body>{self.bodies.get(path, '')}"

    def address(self, path: str) -> str:
        return f"{self.running.page_origin}{path}"


@pytest.fixture
def pages(running: Running) -> Iterator[Pages]:
    pages = Pages(running)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = pages.page(self.path.partition("?")[0]).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    socketserver.TCPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", running.page_port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield pages
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"the snippet is not tested: there is no browser at {CHROMIUM}")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=120_000
        )
        yield browser
        browser.close()


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    """A tab of somebody who was never there; what goes wrong in a page fails the test."""
    context = browser.new_context()
    context.set_default_timeout(60_000)
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    yield tab
    context.close()
    assert wrong == []


def stored(tab: Any) -> dict[str, Any]:
    """What the snippet has stored."""
    return json.loads(tab.evaluate("localStorage.kinship || '{}'"))


def events(running: Running, user: str) -> list[tuple[str, str, str | None]]:
    """Type, product and rec_id of what the service has of a user, the oldest first."""
    return running.service.sql(
        "SELECT e.type, p.external_id, e.rec_id::text FROM recommender_event e "
        "JOIN recommender_user u ON u.id = e.user_id AND u.external_id = %s "
        "LEFT JOIN recommender_product p ON p.id = e.product_id ORDER BY e.at, e.type",
        user,
    )


def wait_for(tab: Any, done: Callable[[], bool]) -> None:
    """Wait for what the page sends; the browser works only while its driver does."""
    for _ in range(900):
        if done():
            return
        tab.wait_for_timeout(100)
    raise AssertionError("it did not happen")


def test_a_visit_is_told_and_the_list_becomes_the_visitor_s(
    running: Running, pages: Pages, tab: Any
) -> None:
    rec_id = str(uuid4())
    pages.bodies["/product"] = (
        '<main data-kinship-view="foo-001"></main>'
        '<button data-kinship-cart="foo-001">Into the cart</button>'
    )
    pages.bodies["/"] = LIST.format(name="for-user", more="""data-kinship-request='{"count": 4}'""")
    tab.goto(pages.address(f"/product?rec_id={rec_id}"))
    tab.click("button")
    guest = tab.evaluate("kinship.id()")
    assert guest.startswith("guest-")
    wait_for(tab, lambda: len(events(running, guest)) == 2)
    assert events(running, guest) == [
        ("view", "foo-001", rec_id),
        ("add_to_cart", "foo-001", rec_id),
    ]

    tab.goto(pages.address("/"))
    tab.wait_for_selector("article")
    assert tab.locator("article").count() == 4
    assert tab.locator("p").count() == 0
    assert tab.evaluate("kinship.id()") == guest
    link = tab.locator("article a").first
    listed = tab.get_attribute("section", "data-kinship-rec")
    product = tab.get_attribute("article", "data-kinship-click")
    assert link.text_content()
    assert float(tab.locator("article b").first.text_content()) > 0
    assert link.get_attribute("href") == f"/product?rec_id={listed}".replace(
        "/product", f"/product/{product}"
    )
    link.click()
    wait_for(tab, lambda: ("click", product, listed) in events(running, guest))


def test_without_consent_there_is_no_id_nothing_stored_and_nothing_sent(
    running: Running, pages: Pages, tab: Any
) -> None:
    pages.options = 'data-consent="required"'
    pages.bodies["/"] = '<main data-kinship-view="foo-001"></main>' + LIST.format(
        name="for-user", more=""
    )
    sent: list[str] = []
    tab.on("request", lambda request: sent.append(request.url))
    tab.goto(pages.address("/"))
    tab.wait_for_selector("article")
    assert tab.evaluate("kinship.id()") is None
    assert tab.evaluate("localStorage.length") == 0
    assert tab.context.cookies() == []
    asked = {url.partition("?")[0] for url in sent if "/v1/" in url}
    assert asked == {f"{running.url}/v1/popular"}

    tab.evaluate("kinship.consent(true)")
    guest = tab.evaluate("kinship.id()")
    wait_for(tab, lambda: [one[0] for one in events(running, guest)] == ["view"])

    tab.evaluate("kinship.consent(false)")
    assert tab.evaluate("kinship.id()") is None
    assert stored(tab).keys() <= {"consent", "queue"}
    assert guest not in tab.evaluate("localStorage.kinship")


def test_where_consent_is_not_required_a_visitor_may_still_say_no(pages: Pages, tab: Any) -> None:
    tab.goto(pages.address("/"))
    assert tab.evaluate("kinship.id()")
    tab.evaluate("kinship.consent(false)")
    tab.reload()
    assert tab.evaluate("kinship.id()") is None


def test_what_happens_as_the_page_ends_is_sent(running: Running, pages: Pages, tab: Any) -> None:
    pages.bodies["/"] = '<a data-kinship-click="kit-001" href="/next">Next</a>'
    pages.bodies["/next"] = "Next"
    tab.goto(pages.address("/"))
    guest = tab.evaluate("kinship.id()")
    tab.click("a")
    tab.wait_for_url("**/next")
    wait_for(tab, lambda: events(running, guest) == [("click", "kit-001", None)])


def test_events_wait_for_a_service_that_is_away_and_count_once(
    running: Running, pages: Pages, tab: Any
) -> None:
    pages.bodies["/"] = '<main data-kinship-view="foo-001"></main>'
    refuse = lambda route: route.abort()  # noqa: E731 - it is taken away again
    tab.context.route("**/v1/events", refuse)
    with tab.expect_event("requestfailed"):
        tab.goto(pages.address("/"))
    guest = tab.evaluate("kinship.id()")
    assert [event["product"] for event in stored(tab)["queue"]] == ["foo-001"]
    tab.context.unroute("**/v1/events", refuse)
    pages.bodies["/"] = ""
    tab.reload()
    wait_for(tab, lambda: len(events(running, guest)) == 1)
    wait_for(tab, lambda: stored(tab)["queue"] == [])


def test_lists_of_a_product_and_reasons_are_shown_as_text(pages: Pages, tab: Any) -> None:
    more = """data-kinship-product="foo-001" data-kinship-request='{"count": 2, "explain": true}'"""
    pages.bodies["/"] = LIST.format(name="similar", more=more)
    tab.goto(pages.address("/"))
    tab.wait_for_selector("article")
    assert tab.locator("article").count() == 2
    assert tab.locator("small").first.text_content().startswith("Similar to")


def test_a_title_is_never_html(running: Running, pages: Pages, tab: Any, kinship: Kinship) -> None:
    title = "<img src=x onerror=document.title='run'>"
    kinship.put_product("evil", {"title": title, "released_at": "2035-01-01"})
    more = """data-kinship-request='{"count": 1, "filter": "{\\"id\\": \\"evil\\"}"}'"""
    pages.bodies["/"] = LIST.format(name="new", more=more)
    tab.goto(pages.address("/"))
    tab.wait_for_selector("article")
    assert tab.locator("article a").text_content() == title
    assert tab.title() == ""
    kinship.delete_product("evil")


def test_a_list_that_does_not_come_leaves_the_page_as_it_is(pages: Pages, tab: Any) -> None:
    pages.bodies["/"] = LIST.format(name="similar", more='data-kinship-product="no-such"')
    said: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(pages.address("/"))
    wait_for(tab, lambda: any("unknown-product" in text for text in said))
    assert tab.locator("p").text_content() == "Our own choice"


def test_who_is_signed_in_buys_by_a_user_token(running: Running, pages: Pages, tab: Any) -> None:
    secret = running.service.manage("create_api_key", "demo", "--scope", "token").strip()
    user, order = f"customer-{uuid4()}", uuid4()
    token = sign_user_token(secret, user)
    pages.options = f'data-user="{user}" data-user-token="{token}"'
    bought = json.dumps([{"product": "foo-001", "quantity": 2, "value": 18.5}])
    pages.bodies["/"] = (
        f"<main data-kinship-purchase='{bought}' data-kinship-order=\"{order}\"></main>"
    )
    tab.goto(pages.address("/"))
    wait_for(tab, lambda: events(running, user) == [("purchase", "foo-001", None)])
    tab.reload()
    wait_for(tab, lambda: stored(tab)["queue"] == [])
    assert len(events(running, user)) == 1


def test_a_guest_s_visit_is_merged_when_they_sign_in(
    running: Running, pages: Pages, tab: Any, kinship: Kinship
) -> None:
    pages.bodies["/"] = '<main data-kinship-view="foo-001"></main>'
    tab.goto(pages.address("/"))
    guest, user = tab.evaluate("kinship.id()"), f"customer-{uuid4()}"
    wait_for(tab, lambda: len(events(running, guest)) == 1)
    assert kinship.merge_user(user, guest)["events"] == 1
    with pytest.raises(KinshipError):
        kinship.get_user(guest)
    assert events(running, user) == [("view", "foo-001", None)]
