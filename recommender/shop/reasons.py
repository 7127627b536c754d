"""The drawer: why these products, and what of it would be without one event; whom to play."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from recommender.api.segments import SEGMENTS
from recommender.shop import ask, cards, history, placements
from recommender.shop.ask import Answer
from recommender.shop.cards import Card
from recommender.shop.history import Done
from recommender.shop.placements import COUNT
from recommender.shop.visit import Visit, shop_view
from recommender.shop.visitor import Visitor

# What contributes to a score, in words.
_CONTRIBUTIONS: Mapping[str, str] = {
    "base": "where all start, and what is known of you",
    "text": "its text is like what you liked",
    "image": "its picture is like what you liked",
    "multimodal": "text and picture are like what you liked",
    "behaviour": "liked by those who like the same",
    "together": "chosen with what you chose",
    "ease": "goes with all that you chose",
    "next": "what comes after your last step",
    "bought": "in one basket with it",
    "substitute": "could stand in for it",
    "refused": "like what you turned down",
    "popular": "many had it lately",
    "repeat": "you have it often",
    "product": "its age, price, brand and category",
}
_STAGES: Mapping[str, str] = {
    "user": "Who you are",
    "context": "Your history and profile",
    "sources": "Where products are looked for",
    "fuse": "The most promising candidates",
    "hydrate": "In stock and not left out",
    "features": "What speaks for each",
    "rank": "In order of their scores",
    "rerank": "By the rules of the list",
    "explain": "The reason of each",
    "fields": "Titles, prices and pictures",
    "backfill": "What is popular, where it is short",
}
_EVENTS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Part:
    """What contributes to a score: in words, signed, and in percent of the largest of a list."""

    word: str
    value: float
    of_most: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a visitor's list is made of: a value, and how much, also in percent of the largest."""

    value: str
    percent: int
    of_most: int


@dataclass(frozen=True, slots=True)
class Told:
    """A product and what its score is made of, the most telling first."""

    card: Card
    score: float
    parts: Sequence[Part]


@require_safe
@shop_view
def why(visit: Visit) -> HttpResponse:
    """Profile, sources and scores of what is for the visitor."""
    answer = placements.answer(visit, placements.FOR_YOU, trace=True)
    if answer is None:
        raise Http404
    told = {
        "answer": answer,
        "likes": _likes(visit),
        "events": history.latest(visit.catalog, visit.user, _EVENTS_SHOWN),
        "stages": list(map(_stage, answer["trace"])),
        "products": _told(visit, answer),
    }
    return visit.page("why" if visit.is_part else "why_page", told)


@require_safe
@shop_view
def what_if(visit: Visit) -> HttpResponse:
    """The visitor's list beside the one that there would be without one of their events.

    Both are asked for by a history that the request tells, without a user: nothing that is stored
    changes, and the event is all that they differ by.
    """
    events = history.latest(visit.catalog, visit.user)
    taken = next((one for one in events if one.id == visit.request.GET.get("event")), None)
    if taken is None:
        raise Http404
    before = _by_history(visit, events)
    after = _by_history(visit, [one for one in events if one is not taken])
    ids = {item["id"] for item in after["items"]}
    told = {
        "taken": taken,
        "before": [(card, card.id not in ids) for card in cards.cards(visit, before)],
        "after": cards.cards(visit, after, [item["id"] for item in before["items"]] or ["-"]),
    }
    return visit.page("what_if" if visit.is_part else "what_if_page", told)


@require_POST
@shop_view
def play(visit: Visit) -> HttpResponse:
    """Be another shopper: a simulated one, or somebody new whom nobody knows."""
    wanted = visit.request.POST.get("shopper", "")
    if wanted in visit.shoppers:
        visit.visitor = Visitor(visit.visitor.id, wanted, visit.visitor.carts)
    elif wanted == "new":
        visit.visitor = Visitor.new()
    return redirect(visit.url(""))


def _by_history(visit: Visit, events: Sequence[Done]) -> Answer:
    session = [
        {"type": one.type, "product": one.product, "at": one.at.isoformat(), "value": one.value}
        for one in reversed(events)
    ]
    return ask.listed(
        visit.catalog,
        "recommendations",
        session=session,
        count=COUNT,
        fields=cards.fields_of(visit.catalog),
        explain=True,
    )


def _likes(visit: Visit) -> list[tuple[str, list[Share]]]:
    """The categories and brands that the visitor's list is made of, with their shares."""
    return [
        (title, _shares(visit, by))
        for title, by in (("Categories", "category"), ("Brands", "brand"))
    ]


def _shares(visit: Visit, by: str) -> list[Share]:
    items = ask.summarised(visit.catalog, SEGMENTS, visit.user, by=by, count=5)["items"]
    most = max((one["score"] for one in items), default=0) or 1
    return [
        Share(one["value"], round(100 * one["score"]), round(100 * one["score"] / most))
        for one in items
    ]


def _stage(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": _STAGES.get(stage["stage"], stage["stage"]),
        "milliseconds": stage["milliseconds"],
        "notes": [(name.replace("_", " "), value) for name, value in stage["notes"].items()],
    }


def _told(visit: Visit, answer: Answer) -> list[Told]:
    items = answer["items"]
    made_of = [item["why"]["contributions"] for item in items]
    most = max((abs(value) for parts in made_of for value in parts.values()), default=0) or 1
    return [
        Told(
            card,
            item["score"],
            [
                Part(_word(name), value, round(100 * abs(value) / most))
                for name, value in sorted(parts.items(), key=lambda one: -abs(one[1]))
                if value
            ],
        )
        for card, item, parts in zip(cards.cards(visit, answer), items, made_of, strict=True)
    ]


def _word(name: str) -> str:
    return _CONTRIBUTIONS.get(name, name.replace("_", " "))
