"""A page of the shop as a reader of its HTML finds it."""

import re
from html import unescape

from django.http import HttpResponse


def text(response: HttpResponse, status: int = 200) -> str:
    """The HTML of an answer of this status."""
    assert response.status_code == status, response.content[:500]
    assert response["Content-Type"] == "text/html; charset=utf-8"
    return response.content.decode()


def row(html: str, name: str) -> str:
    """The HTML of a row; "" where it is not there or shows nothing."""
    found = re.search(rf'<section class="row" id="row-{name}"(.*?)</section>', html, re.DOTALL)
    return found[1] if found and "<h2" in found[1] else ""


def products(html: str) -> list[str]:
    """The ids of the products with a card, in order."""
    cards = re.findall(r'<li class="card.*?</li>', html, re.DOTALL)
    found = (re.search(r'href="/shop/[^/]+/p/([^"?]+)', card) for card in cards)
    return [unescape(one[1]) for one in found if one]


def new(html: str) -> int:
    """How many cards are marked as new."""
    return html.count('class="card is-new"')


def titles(html: str) -> list[str]:
    """The titles of the rows."""
    return [
        re.sub(r"<.*", "", one).strip()
        for one in re.findall(r'<h2 id="title-[^>]*>(.*?)</h2>', html, re.DOTALL)
    ]
