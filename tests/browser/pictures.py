"""The pictures of the shop in docs/images, of a trained sample store: `make pictures`."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from recommender.stack.config import PROJECT_DIR
from tests.browser.conftest import CHROMIUM, LOAD, NO_CHROMIUM, settle
from tests.e2e.service import Service

_IMAGES = PROJECT_DIR / "docs" / "images"
_SHOPPER = "sim-coffee-lover-01"
_WIDE, _PHONE = {"width": 1100, "height": 760}, {"width": 360, "height": 720}
# Flat drawings and texts: no more are told apart.
_COLOURS = 128
_MOST_BYTES = 150_000


@contextmanager
def _store() -> Iterator[str]:
    """The address of a sample store that has learnt."""
    with TemporaryDirectory(prefix="kinship-pictures-") as directory:
        service = Service.under(Path(directory))
        service.manage("up", "--detach", "--port", str(service.port))
        try:
            service.manage("shell", "-v", "0", "-c", LOAD)
            service.wait_until_embedded("demo", 300)
            service.manage("train", "--catalog", "demo", "--wait")
            yield service.url
        finally:
            service.manage("down")


def _keep(page: Page, name: str) -> None:
    """Store what the window shows.

    Raises:
        AssertionError: the file is larger than a page of the docs should load.
    """
    settle(page)
    page.wait_for_timeout(1200)  # what has just arrived moves for a second
    shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    path = _IMAGES / f"shop-{name}.png"
    shot.quantize(_COLOURS).save(path, optimize=True)
    size = path.stat().st_size
    assert size <= _MOST_BYTES, f"{path.name} has {size:,} bytes"
    print(f"{path.relative_to(PROJECT_DIR)}: {size:,} bytes")


def _be(page: Page, shopper: str) -> None:
    page.goto("/shop/demo/")
    page.select_option("#shopper", shopper)
    page.click(".be button")
    settle(page)


def _open_drawer(page: Page) -> None:
    page.get_by_role("link", name="Why these?").click()
    page.locator("#drawer .scores").wait_for()


def take(url: str, chromium: str) -> None:
    """All pictures, of the sample store at an address."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=url, viewport=_WIDE)
        _be(page, _SHOPPER)
        _keep(page, "home")
        page.goto("/shop/demo/p/kit-001")
        _keep(page, "product")
        page.locator(".product .buy").click()
        settle(page)
        page.goto("/shop/demo/cart")
        _keep(page, "cart")
        page.goto("/shop/demo/search?q=espresso")
        _keep(page, "search")
        _open_drawer(page)
        page.locator("#drawer h3", has_text="What each score").evaluate(
            "one => one.scrollIntoView()"
        )
        _keep(page, "why")
        _be(page, "new")
        for product in ("kit-001", "out-001"):
            page.goto(f"/shop/demo/p/{product}")
            page.locator(".product .buy").click()
            settle(page)
        _open_drawer(page)
        page.get_by_role("link", name="What if not?").first.click()
        page.locator("#drawer .beside").wait_for()
        _keep(page, "what-if")
        dark = browser.new_page(base_url=url, viewport=_PHONE, color_scheme="dark")
        _be(dark, "sim-camper-01")
        _keep(dark, "phone")
        browser.close()


def main() -> int:
    """Take the pictures; 1 where there is no Chromium."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="of a sample store that runs; one is started without it")
    url = parser.parse_args().url
    if CHROMIUM is None:
        print(NO_CHROMIUM, file=sys.stderr)
        return 1
    if url is not None:
        take(url, CHROMIUM)
        return 0
    with _store() as started:
        take(started, CHROMIUM)
    return 0


if __name__ == "__main__":
    sys.exit(main())
