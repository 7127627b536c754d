"""The one reason a shopper is given for a product: a stable code, and a sentence in a language."""

import gettext
from collections.abc import Mapping
from functools import lru_cache
from html import unescape
from pathlib import Path

from django.utils.html import strip_tags
from django.utils.translation.trans_real import parse_accept_lang_header

from recommender.engine.answer import Item
from recommender.engine.backfill import NEWEST, POPULAR, TRENDING
from recommender.engine.candidates import (
    BOUGHT_WITH,
    CHOSEN_WITH,
    GOES_WITH,
    SEARCHED,
    SEED,
    Cause,
)
from recommender.ranking.ranker import BASE

DEFAULT_LANGUAGE = "en"
_LOCALES = Path(__file__).parent.parent / "locale"
_DOMAIN = "kinship"
_BY_FAR = 2.0
_MAX_TITLE = 80  # characters; shops put lists of keywords into titles

# What the user did with another product, by type of event: "because_bought".
_VERBS = {
    "purchase": "bought",
    "view": "viewed",
    "click": "viewed",
    "view_portion": "viewed",
    "add_to_cart": "added_to_cart",
    "bookmark": "saved",
    "like": "liked",
    "rating": "rated",
}
_OTHER_VERB = "chosen"

# By code: with the title of the product that led here, and where it has none.
_BECAUSE = {
    "because_bought": ("Because you bought {title}", "Because of something you bought"),
    "because_viewed": ("Because you viewed {title}", "Because of something you viewed"),
    "because_added_to_cart": (
        "Because you put {title} into your cart",
        "Because of something in your cart",
    ),
    "because_saved": ("Because you saved {title}", "Because of something you saved"),
    "because_liked": ("Because you liked {title}", "Because of something you liked"),
    "because_rated": ("Because you rated {title}", "Because of something you rated"),
    "because_chosen": ("Because you chose {title}", "Because of something you chose"),
    "similar_to": ("Similar to {title}", "Similar to this product"),
    "bought_with": ("Often bought with {title}", "Often bought with this product"),
    "goes_with": ("Goes with {title}", "Goes with this product"),
    "chosen_with": ("Often chosen with {title}", "Often chosen with this product"),
}
_SENTENCES = {
    "bought_before": "You bought this before",
    "viewed_before": "You viewed this before",
    "added_to_cart_before": "You put this into your cart before",
    "saved_before": "You saved this",
    "liked_before": "You liked this",
    "rated_before": "You rated this",
    "chosen_before": "You chose this before",
    "fits_taste": "Fits what you usually choose",
    "matches_search": "Matches your search",
    "popular": "Popular right now",
    "trending": "More popular than usual",
    "new": "Newly added",
    "for_you": "Picked for you",
}
CODES = (*_BECAUSE, *_SENTENCES)
# Of rows of a page, by code; those because of a product have its reason for a title.
_TITLES = {
    "for_you": "Recommended for you",
    "buy_again": "Time to buy again",
    "new_in": "New in {name}",
    "popular_from": "Popular from {name}",
    "trending": "More popular than usual",
    "popular": "Popular right now",
    "new": "Newly added",
}

# Of a product that a request names, and of none: by what it is named for.
_BY_REQUEST = {
    SEED: "similar_to",
    SEARCHED: "matches_search",
    BOUGHT_WITH: "bought_with",
    GOES_WITH: "goes_with",
    CHOSEN_WITH: "chosen_with",
}
# Where no product led here: by what contributes most.
_BY_SOURCE = {POPULAR: "popular", TRENDING: "trending", NEWEST: "new", "product": "fits_taste"}
# What speaks for a product without any other product's having led to it.
_LEADS_NOWHERE = frozenset({BASE, *_BY_SOURCE})


def code_of(item: Item) -> str:
    """The code of the item's one reason, one of CODES.

    What led here from the user's own products counts together. It is the reason unless what is
    popular outweighs it by far: nearly all that is recommended is popular, too.
    """
    cause = item.cause
    if cause is None:
        return _BY_SOURCE.get(item.source, "for_you")
    if cause.event in _BY_REQUEST:
        return _BY_REQUEST[cause.event]
    verb = _VERBS.get(cause.event, _OTHER_VERB)
    if cause.id == item.id:
        return f"{verb}_before"
    led = sum(
        part for name, part in item.contributions.items() if part > 0 and name not in _LEADS_NOWHERE
    )
    is_outweighed = item.contributions.get(POPULAR, 0.0) > _BY_FAR * led
    return "popular" if is_outweighed else f"because_{verb}"


def sentence(code: str, cause: Cause | None, language: str) -> str:
    """The reason of this code in words, with the title of the product that led here.

    Args:
        language: one of `languages()`.
    """
    translate = _translations(language).gettext
    if code in _SENTENCES:
        return translate(_SENTENCES[code])
    title = _readable(cause.title) if cause is not None else ""
    with_title, without = _BECAUSE[code]
    return translate(with_title).format(title=title) if title else translate(without)


def row_code(code: str, cause: Cause | None) -> str:
    """The code of a row: that of its kind, or where an own product is its reason, of that."""
    return code if cause is None else f"because_{_VERBS.get(cause.event, _OTHER_VERB)}"


def row_title(code: str, name: str, cause: Cause | None, language: str) -> str:
    """What stands above a row of this code.

    Args:
        name: of the category or brand that it is of.
        language: one of `languages()`.
    """
    if cause is not None:
        return sentence(code, cause, language)
    return _translations(language).gettext(_TITLES[code]).format(name=_readable(name))


def language_of(accepted: str) -> str:
    """The language that an Accept-Language header prefers of those there are; else English."""
    known = languages()
    for tag, weight in parse_accept_lang_header(accepted.lower()):
        primary = tag.partition("-")[0]
        language = next((name for name in (tag, primary) if name in known), None)
        if weight > 0 and language is not None:
            return language
    return DEFAULT_LANGUAGE


@lru_cache(maxsize=1)
def languages() -> Mapping[str, str]:
    """The languages that sentences can be given in, as in Accept-Language; each with its locale."""
    names = [path.parent.parent.name for path in _LOCALES.glob(f"*/LC_MESSAGES/{_DOMAIN}.mo")]
    return {name.replace("_", "-").lower(): name for name in (DEFAULT_LANGUAGE, *names)}


@lru_cache(maxsize=64)
def _translations(language: str) -> gettext.NullTranslations:
    return gettext.translation(_DOMAIN, _LOCALES, [languages()[language]], fallback=True)


def _readable(title: str) -> str:
    """A title in one line of text, without tags and entities, cut at a word where it is long."""
    text = " ".join(unescape(strip_tags(title)).split())
    if len(text) <= _MAX_TITLE:
        return text
    whole_words = text[:_MAX_TITLE].rpartition(" ")[0]
    return f"{whole_words or text[: _MAX_TITLE - 1]}…"
