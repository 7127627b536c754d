"""Texts as they are embedded: without the HTML and the Markdown that shops write them in."""

import html
import re
from collections.abc import Iterator
from typing import Any

import lxml.html
from lxml.etree import LxmlError, iterwalk
from markdown_it import MarkdownIt
from markdown_it.token import Token

# A whole tag, a comment or a declaration: "size < 5 and weight > 3" has none.
_TAG = re.compile(r"<(?:!--|![a-zA-Z]|/?[a-zA-Z][a-zA-Z0-9:-]*(?:\s[^<>]*)?/?>)")
_DECLARATION = re.compile(r"<![a-zA-Z][^>]*>")
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
# What makes a text Markdown: a heading, an item, a quote, emphasis, a link or code.
_MARK = re.compile(
    r"^ {0,3}(?:#{1,6} |[-*+] |\d{1,3}[.)] |> |```)|\*\*\S|__\S|\]\([^)\s]|`[^`\n]+`", re.MULTILINE
)
_SPACES = re.compile(r"\s+")

_UNSEEN = {"script", "style", "noscript", "template", "iframe", "svg", "head"}
_INLINE = {
    *("a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "mark", "q", "s", "small"),
    *("span", "strong", "sub", "sup", "u", "wbr"),
}
_MARKDOWN = MarkdownIt("commonmark")


def plain_text(text: str) -> str:
    """The words of a text; what is neither HTML nor Markdown stays as it is."""
    if _TAG.search(text):
        return _joined(_of_html(text))
    if _ENTITY.search(text):
        text = html.unescape(text)
    if _MARK.search(text):
        return _joined(_of_markdown(_MARKDOWN.parse(text)))
    return text


def plain_lines(text: str) -> list[str]:
    """The same, line by line: a block of HTML or Markdown is a line of its own."""
    if _TAG.search(text):
        return _lines("".join(_within_lines(_of_html(text))))
    if _ENTITY.search(text):
        text = html.unescape(text)
    if _MARK.search(text):
        text = "".join(_of_markdown(_MARKDOWN.parse(text)))
    return _lines(text)


def plain_value(value: Any) -> Any:
    """The same of an attribute: a text, or a list of texts; any other value as it is."""
    if isinstance(value, str):
        return plain_text(value)
    if isinstance(value, list):
        return [plain_value(part) for part in value]
    return value


def _within_lines(parts: Iterator[str]) -> Iterator[str]:
    """In HTML a line ends with its block, wherever its source is wrapped."""
    return (part if part == "\n" else _SPACES.sub(" ", part) for part in parts)


def _lines(text: str) -> list[str]:
    lines = (_SPACES.sub(" ", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def _joined(parts: Iterator[str]) -> str:
    return _SPACES.sub(" ", "".join(parts)).strip()


def _of_html(text: str) -> Iterator[str]:
    try:
        root = lxml.html.fragment_fromstring(
            _DECLARATION.sub(" ", text),
            create_parent="div",
            parser=lxml.html.HTMLParser(huge_tree=True),
        )
    except (LxmlError, ValueError):  # a control character
        yield html.unescape(_TAG.sub(" ", text))
        return
    # Shops escape twice: an editor's text is pasted into another editor.
    yield from map(html.unescape, _of_tree(root))


def _of_tree(root: lxml.html.HtmlElement) -> Iterator[str]:
    # A walk, not a recursion: texts may nest deeper than Python calls.
    walk = iterwalk(root, events=("start", "end", "comment", "pi"))
    for event, element in walk:
        is_seen = event in ("start", "end") and element.tag not in _UNSEEN
        if event == "start":
            if not is_seen:
                walk.skip_subtree()
                continue
            yield _space_around(element)
            yield element.text or element.get("alt") or ""
        else:
            if is_seen:
                yield _space_around(element)
            yield element.tail or ""


def _space_around(element: lxml.html.HtmlElement) -> str:
    return "" if element.tag in _INLINE else "\n"


def _of_markdown(tokens: list[Token]) -> Iterator[str]:
    for token in tokens:
        if token.children is not None:
            yield from _of_markdown(token.children)
        elif token.type in ("text", "code_inline", "code_block", "fence"):
            yield token.content
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n"
        if token.block:
            yield "\n"
