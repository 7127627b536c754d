"""A shopper's walk through the shop, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.conftest import Open, grave_faults, settle
from tests.e2e.service import Service

pytestmark = pytest.mark.slow

PAGES = (
    "/",
    "/shop/demo/p/kit-001",
    "/shop/demo/c/Kitchen",
    "/shop/demo/search?q=espresso",
    "/shop/demo/cart",
    "/shop/demo/why",
    "/shop/demo/p/nothing",
)
PLAYED = "sim-coffee-lover-01"


def titles(page: Page, row: str) -> list[str]:
    return page.locator(f"#row-{row} .card .title").all_inner_texts()


def be(page: Page, shopper: str) -> None:
    page.select_option("#shopper", shopper)
    page.click(".be button")
    settle(page)


def test_a_first_visit_loads_less_than_100_kb(open_page: Open):
    page = open_page("about:blank")
    loaded: list[Response] = []
    page.on("response", lambda got: loaded.append(got))  # noqa: PLW0108 - Playwright marks it

    page.goto("/")
    settle(page)

    sizes = {one.url: one.request.sizes() for one in loaded}
    weighed = {url: size["responseBodySize"] for url, size in sizes.items()}
    assert any("shop.css" in url for url in weighed)
    assert sum(weighed.values()) <= 100_000, weighed


def test_a_walk_from_the_door_to_the_drawer(page, service: Service):
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
    popular = titles(page, "for_you")

    # Whom she is like decides what she sees.
    be(page, PLAYED)
    expect(page.get_by_role("heading", name="Welcome back, coffee lover")).to_be_visible()
    assert titles(page, "for_you") != popular

    # What she does changes the rows in front of her eyes.
    before = titles(page, "for_you")
    page.locator("#row-for_you .card").nth(1).get_by_role("button", name="into the cart").click()
    expect(page.locator("#cart-size")).to_contain_text("1")
    expect(page.locator("#notice")).to_be_visible()
    expect(page.locator("#row-for_you .title").filter(has_text=before[1])).to_have_count(0)
    settle(page)
    assert titles(page, "for_you") != before

    # A product's page, come to from the list.
    page.locator("#row-for_you .card a").first.click()
    for row in ("similar", "for_you"):
        expect(page.locator(f"#title-{row}")).to_be_visible()
    settle(page)
    seen = service.sql(
        "SELECT e.rec_id FROM recommender_event e JOIN recommender_user u ON u.id = e.user_id "
        "WHERE u.external_id = %s AND e.type = 'view' ORDER BY e.at DESC LIMIT 1",
        PLAYED,
    )
    assert seen[0][0] is not None

    # The cart, and what completes it.
    page.get_by_role("link", name="Cart").click()
    expect(page.locator(".lines li")).to_have_count(1)
    page.locator(".lines input[type=number]").fill("3")
    page.locator(".lines input[type=number]").press("Tab")
    expect(page.locator("#cart-size")).to_contain_text("3")
    page.get_by_role("button", name="Check out").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()

    # Why, and what if not.
    page.get_by_role("link", name="Why these?").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_role("heading", name="What each score is made of")).to_be_visible()
    assert drawer.locator(".bar").count() > 10
    drawer.get_by_role("link", name="What if not?").first.click()
    expect(drawer.get_by_role("heading", name="Without it")).to_be_visible()
    assert grave_faults(page) == []
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()

    # Somebody new again.
    be(page, "new")
    expect(page.get_by_text("Nobody knows you yet")).to_be_visible()


def test_a_like_of_somebody_new_makes_a_row_that_was_not_there(page):
    expect(page.locator("#row-unfinished")).to_be_hidden()
    page.locator("#row-new .card").first.get_by_role("button", name="Like").click()
    expect(page.locator("#row-unfinished")).to_be_visible()
    expect(page.locator("#row-for_you .mark").first).to_be_visible()


def test_what_is_typed_is_completed_and_found(page):
    page.locator("#q").press_sequentially("espr")
    suggestion = page.locator("#suggestions a").first
    expect(suggestion).to_be_visible()
    page.keyboard.press("Escape")
    expect(suggestion).to_be_hidden()
    page.locator("#q").fill("espresso machine")
    page.keyboard.press("Enter")
    expect(page.locator("#products .card .title").first).to_contain_text("espresso machine")
    page.select_option("#order", "price")
    page.get_by_role("button", name="Narrow down").click()
    expect(page.locator("#order")).to_have_value("price")


def test_a_category_goes_on(page):
    page.get_by_role("link", name="Kitchen", exact=True).click()
    expect(page.locator("#products .card")).to_have_count(24)
    page.get_by_role("link", name="Show more").click()
    expect(page.locator("#products .card")).not_to_have_count(24)
    shown = page.locator("#products .card > a").evaluate_all(
        "links => links.map(link => link.pathname)"
    )
    assert len(shown) == len(set(shown))


def test_a_picture_is_searched_by_when_it_is_chosen(page, tmp_path: Path):
    picture = tmp_path / "picture.png"
    page.screenshot(path=picture)
    page.set_input_files("#picture", picture)
    expect(page.get_by_role("heading", name="Like your picture")).to_be_visible()


def test_the_keyboard_alone_puts_a_product_into_the_cart(page):
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator("#row-for_you .card .buy").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#cart-size")).to_contain_text("1")


def test_without_scripts_a_shopper_gets_to_the_check_out(open_page: Open):
    page = open_page("/", java_script_enabled=False)
    page.locator("#row-for_you .card .buy").first.click()
    expect(page.get_by_role("heading", name="Your cart")).to_be_visible()
    page.get_by_role("button", name="Check out").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1200])
def test_pages_are_for_everybody_on_every_screen(open_page: Open, scheme, width):
    page = open_page("/", color_scheme=scheme, viewport={"width": width, "height": 740})
    be(page, PLAYED)
    page.locator("#row-for_you .card .buy").first.click()
    settle(page)
    for path in PAGES:
        page.goto(path)
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert grave_faults(page) == [], path


def test_a_page_is_light(page):
    """All that a first visit loads, without pictures, uncompressed."""
    loaded = page.evaluate(
        "performance.getEntries().filter(one => one.decodedBodySize && !/svg/.test(one.name))"
        ".reduce((sum, one) => sum + one.decodedBodySize, 0)"
    )
    assert 20_000 < loaded <= 110_000
