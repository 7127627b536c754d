"""The addresses of the shop's files, which change with what is in them.

Browsers keep a file for a day; after an update a page must not be shown in yesterday's style.
"""

from functools import cache
from zlib import crc32

from django.conf import settings
from django.template import Library
from django.templatetags.static import static

_DIRECTORY = "recommender/shop"

register = Library()


@register.simple_tag
@cache
def shop_file(name: str) -> str:
    """The address of a file of the shop."""
    path = f"{_DIRECTORY}/{name}"
    content = (settings.BASE_DIR / "recommender" / "static" / path).read_bytes()
    return f"{static(path)}?{crc32(content):x}"
