"""What a person sees of an admin page."""

import json
import re
from html import unescape
from typing import Any

from django.http import HttpResponse
from django.test import Client

from tests.statements import fewest

_UNSEEN = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL)


def text(response: HttpResponse) -> str:
    """The words of a page that answered 200, spaces collapsed."""
    assert response.status_code == 200
    return words(response.content.decode())


def words(html: str) -> str:
    """The words of a piece of HTML, spaces collapsed."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", _UNSEEN.sub(" ", html))).split())


def hrefs(response: HttpResponse) -> list[str]:
    """Where the page's links lead."""
    return [unescape(href) for href in re.findall(r'href="([^"]*)"', response.content.decode())]


def charts(response: HttpResponse) -> list[dict[str, Any]]:
    """The data of the page's charts, as Unfold's script reads it."""
    values = re.findall(
        r'<canvas class="chart"[^>]* data-value="([^"]*)"', response.content.decode()
    )
    return [json.loads(unescape(data)) for data in values]


def queries(client: Client, address: str) -> int:
    """How many queries a page takes, what is cached being cached."""
    assert client.get(address).status_code == 200
    return fewest(lambda: client.get(address))
