"""Texts as they are embedded: without HTML, Markdown and the sentences that many products share.

The latter, such as those on delivery and returns, say nothing of a product and draw all vectors
together. Which they are is found once for a version of a space, from a sample of descriptions, and
kept with it: the same product then always has the same text.
"""

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import lxml.html
from lxml.etree import LxmlError, iterwalk
from markdown_it import MarkdownIt
from markdown_it.token import Token

from recommender import database
from recommender.models import Space

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


_SAMPLE = 5_000
# Fewer words are an attribute: "Machine washable.", "100 % cotton".
_FEWEST_WORDS = 4
# What half of the products share tells none from another; a whole sentence does not where a fifth
# do, as long as that is more than the variants of one product.
_HALF, _FEWEST_OF_HALF = 0.5, 5
_FIFTH, _FEWEST_OF_FIFTH, _WORDS_OF_A_SENTENCE = 0.2, 20, 6
_MOST_SENTENCES = 50

_END = re.compile(r"(?<=[.!?…])\s+|\s*[•|]\s*")
_WORD = re.compile(r"\w+")

# In an order that says nothing of the products, and is the same every time.
_DESCRIPTIONS = """
SELECT description FROM recommender_product WHERE catalog_id = %s AND deleted_at IS NULL
ORDER BY hashint8(id), id LIMIT %s
"""


def settle_boilerplate(space: Space) -> None:
    """Find a version's sentences, if nobody has; from then on they stay. May run twice.

    A version that is older than the catalog's products is settled when the first of them is
    embedded.
    """
    is_text = space.kind in (Space.Kind.TEXT, Space.Kind.MULTIMODAL)
    if space.boilerplate is not None or not (is_text and space.plain_text):
        return
    rows = database.fetch(_DESCRIPTIONS, (space.catalog_id, _SAMPLE))
    if not rows:
        return
    sentences_shared = shared_sentences(description for (description,) in rows)
    Space.objects.filter(pk=space.pk, boilerplate__isnull=True).update(boilerplate=sentences_shared)
    space.refresh_from_db(fields=["boilerplate"])


def shared_sentences(descriptions: Iterable[str]) -> list[str]:
    """The sentences that many of these descriptions have, the commonest first, 50 at most."""
    counts: Counter[str] = Counter()
    texts: dict[str, str] = {}
    products = 0
    for description in descriptions:
        products += 1
        by_key = {_key(sentence): sentence for sentence in sentences(description)}
        counts.update(by_key.keys())
        texts = by_key | texts
    common = [key for key, count in counts.most_common() if _is_shared(key, count, products)]
    return [texts[key] for key in common[:_MOST_SENTENCES]]


def without_boilerplate(description: str, boilerplate: Sequence[str]) -> str:
    """A description as plain text, without these sentences."""
    keys = _keys(tuple(boilerplate))
    parts = sentences(description)
    kept = [part for part in parts if _key(part) not in keys]
    return plain_text(description) if len(kept) == len(parts) else " ".join(kept)


def sentences(description: str) -> list[str]:
    """What of a text stands alone: a sentence, a line, an item of a list."""
    parts = (part.strip() for line in plain_lines(description) for part in _END.split(line))
    return [part for part in parts if part]


def _is_shared(key: str, count: int, products: int) -> bool:
    words = len(key.split())
    if words < _FEWEST_WORDS:
        return False
    if count >= max(_FEWEST_OF_HALF, _HALF * products):
        return True
    is_sentence = words >= _WORDS_OF_A_SENTENCE
    return is_sentence and count >= max(_FEWEST_OF_FIFTH, _FIFTH * products)


@lru_cache(maxsize=64)
def _keys(boilerplate: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_key, boilerplate))


def _key(sentence: str) -> str:
    """What is the same however it is spaced, capitalised and ended."""
    return " ".join(_WORD.findall(sentence.casefold()))
