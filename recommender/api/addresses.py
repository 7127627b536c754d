"""How an id is written in an address: with everything encoded that is no plain character of it.

An encoded slash is part of an id, a bare one parts the address. So addresses of the API are routed
with `%2F` and `%` encoded, everything else decoded, and a route decodes its id.
"""

from urllib.parse import quote, unquote

from django.http import HttpRequest

PREFIX = "/v1/"


class IdConverter:
    """An id in a route: `{id:product_id}`."""

    # A bare slash that no other route wants is taken as it is meant; what is in no id is refused
    # with its reason.
    regex = "(?s:.+)"

    def to_python(self, value: str) -> str:
        """The id that the address names."""
        return value.replace("%2F", "/").replace("%25", "%")

    def to_url(self, value: str) -> str:
        """The id as an address holds it."""
        return quote(value, safe="")


def route(request: HttpRequest) -> None:
    """Have a request to the API routed by its address as it was sent, where the server tells it."""
    if not request.path_info.startswith(PREFIX):
        return
    sent = request.META.get("REQUEST_URI", "").partition("?")[0]
    if sent.startswith(PREFIX):
        request.path_info = "/".join(map(_segment, sent.split("/"))) if "%" in sent else sent
    else:
        request.path_info = _escape(request.path_info)


def _segment(sent: str) -> str:
    # What is no UTF-8 becomes lone surrogates, which no id may hold.
    return _escape(unquote(sent, errors="surrogateescape")).replace("/", "%2F")


def _escape(decoded: str) -> str:
    return decoded.replace("%", "%25")
