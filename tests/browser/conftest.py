"""A real browser, and a running service with the sample store, for all tests here.

The browser is the machine's Chromium, driven by Playwright; where there is none the tests are
skipped. Playwright's loop runs in the thread of the tests, where Django then refuses its database:
tests here ask the service, as `service.sql` does.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.e2e.service import Service

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, _NAMES)), None)
NO_CHROMIUM = "There is no Chromium on this machine. On Debian: apt-get install -y chromium"
LOAD = "from recommender.catalog import sample; sample.load()"
# What axe-core finds and nobody may leave.
_GRAVE = {"serious", "critical"}
# A busy machine takes its time.
_MILLISECONDS = 30_000

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the machine's Chromium."""
    if CHROMIUM is None:
        pytest.skip(NO_CHROMIUM)
    return CHROMIUM


@pytest.fixture(scope="session")
def service(chromium: str) -> Iterator[Service]:
    """A service with the sample store, embedded and not trained; all tests here share it."""
    # Not tmp_path: every pytest session closes its parent to other users.
    with TemporaryDirectory(prefix="kinship-browser-") as directory:
        service = Service.under(Path(directory))
        service.manage("up", "--detach", "--port", str(service.port), "--workers", "1")
        try:
            service.manage("shell", "-v", "0", "-c", LOAD)
            service.wait_until_embedded("demo", 300)
            yield service
        finally:
            service.manage("down")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """The browser; a module has it for itself."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, service: Service) -> Iterator[Open]:
    """Opens a page of the service as somebody new would; options are a browser context's.

    What a page complains of in the console, and an error of the service, fail the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def open_(path: str = "/", **options: Any) -> Page:
        context = browser.new_context(base_url=service.url, **options)
        context.set_default_timeout(_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: _complains(said) and faults.append(said.text))
        page.on("response", lambda got: got.status >= 500 and faults.append(got.url))
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def page(open_page: Open) -> Page:
    """The front page, in a wide window."""
    return open_page("/", viewport={"width": 1200, "height": 900})


def _complains(said: ConsoleMessage) -> bool:
    # The status of an answer is looked at beside it: a page that is not there is not found.
    return said.type == "error" and "Failed to load resource" not in said.text


def grave_faults(page: Page) -> list[str]:
    """What axe-core finds wrong with a page for those who hear it or see it badly."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found
        if one["impact"] in _GRAVE
        for node in one["nodes"]
    ]


def settle(page: Page) -> None:
    """Wait until nothing is asked for any more, and nothing moves."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".htmx-request")).to_have_count(0)
