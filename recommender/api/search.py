"""Search: the products that a text asks for."""

from dataclasses import asdict, replace
from typing import Annotated

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec, facets, listing, user_tokens
from recommender.api.answers import AnswerOut
from recommender.api.auth import ApiRequest, check_placement, search_key
from recommender.api.facets import FacetsOut
from recommender.api.list_requests import (
    SearchParameters,
    SearchRequest,
    SuggestParameters,
    seed_of,
)
from recommender.api.listing import Made, Operation
from recommender.api.problems import Problem
from recommender.api.queries import from_query, query_of
from recommender.engine import search
from recommender.engine.answer import Continuation
from recommender.engine.given_history import refusal_of
from recommender.engine.meaning import PictureError
from recommender.engine.search import SearchAnswer, SearchQuery
from recommender.retrieval import leanings, redirects, suggestions
from recommender.retrieval.suggestions import Kind, Personal

router = Router(tags=["search"], auth=search_key)


class UnderstoodOut(Schema):
    """What the text was taken for."""

    text: str
    meant: Annotated[
        str | None,
        Field(description="The text without what seems misspelt; it was searched for as well."),
    ]
    missing_words: Annotated[list[str], Field(description="Words that no product has.")]
    synonyms: Annotated[
        dict[str, list[str]],
        Field(description="By word, those of the catalog that it stands for, too."),
    ]
    relaxed: Annotated[
        bool,
        Field(description="Whether no product has all of the words, so that some are enough."),
    ]


class RedirectOut(Schema):
    """Where a search leads: an address, or a category's path; the other is null."""

    address: str | None
    category: str | None


class SearchOut(AnswerOut):
    """The products that were found, and what the text was taken for."""

    query: Annotated[
        UnderstoodOut | None,
        Field(description="Not there where the search took longer than `timeout_ms`."),
    ] = None
    redirect: Annotated[
        RedirectOut | None,
        Field(description="Where the catalog has these words lead; null where nowhere."),
    ] = None
    facets: Annotated[FacetsOut | None, Field(description="Where `facets` are asked for.")] = None


class SuggestionOut(Schema):
    """A text to search for, or a thing to go to."""

    text: str
    kind: Kind
    id: Annotated[str | None, Field(description="Of a product.")]


class SuggestionsOut(Schema):
    """What a text may become, the likeliest first."""

    suggestions: list[SuggestionOut]
    missing_ids: list[str]
    degraded: Annotated[
        dict[str, str], Field(description="What did not count, by its name, and why.")
    ]


@router.get(
    "/suggest",
    response=SuggestionsOut,
    summary="Suggestions while typing",
    openapi_extra=user_tokens.DOCUMENTED,
)
def get_suggestions(request: ApiRequest, ask: Parameters[SuggestParameters]) -> HttpResponse:
    """Words, categories, brands and products that the text may become.

    With a user, those to their taste come first.
    """
    codec.check_known(request, SuggestParameters.model_fields)
    return suggest(request, ask)


def suggest(request: ApiRequest, ask: SuggestParameters) -> HttpResponse:
    """The answer to what is being typed."""
    check_placement(request.auth, None)
    catalog = request.auth.catalog
    missing: list[str] = []
    degraded: dict[str, str] = {}
    personal = None
    if ask.user and ask.personal:
        anonymous_only = not user_tokens.may_know(request, ask.user)
        leans = leanings.find(catalog, ask.user)
        if leans is None:
            missing.append(ask.user)
        elif refusal := refusal_of(is_anonymous=leans.is_anonymous, anonymous_only=anonymous_only):
            degraded["personal"] = refusal
        else:
            personal = Personal(leans, ask.personal)
    found = suggestions.suggest(catalog, ask.q, ask.count, personal)
    response = codec.respond(
        {"suggestions": list(map(asdict, found)), "missing_ids": missing, "degraded": degraded}
    )
    user_tokens.vary(request, response)
    return response


@router.get("/search", response=SearchOut, summary="Search", openapi_extra=user_tokens.DOCUMENTED)
def get_search(request: ApiRequest, ask: Parameters[SearchParameters]) -> HttpResponse:
    """The available products that a text asks for, by words, meaning and id.

    With a user, their taste counts, too.
    """
    return listing.respond(request, SEARCH, from_query(request, ask, SearchRequest))


@router.post(
    "/search", response=SearchOut, summary="Search (body)", openapi_extra=user_tokens.DOCUMENTED
)
def post_search(request: ApiRequest, ask: SearchRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return listing.respond(request, SEARCH, ask)


def _search(request: ApiRequest, _: str, ask: SearchRequest, after: Continuation) -> Made:
    user = ask.user
    may_know = user is None or user_tokens.may_know(request, user)
    query = replace(query_of(request.auth, ask, after), anonymous_only=not may_know)
    if request.auth.is_public and (ask.picture or "").startswith("http"):
        message = "A browser key sends the picture itself: data:image/jpeg;base64,…"
        errors = [{"where": "body.picture", "message": message}]
        raise Problem(400, "invalid", message, errors=errors)
    asked = SearchQuery(
        text=ask.q or "",
        picture=ask.picture,
        products=list(map(seed_of, ask.products)),
        query=query,
        user=user,
        personal=ask.personal,
        sort=facets.sort_keys(request.auth, ask.sort),
        facets=facets.asked(request.auth, ask.facets),
        highlight=ask.highlight,
    )
    try:
        found = search.search(request.auth.catalog, asked)
    except PictureError as exc:
        errors = [{"where": "body.picture", "message": str(exc)}]
        raise Problem(400, "invalid-picture", str(exc), errors=errors) from exc
    counted = {"facets": facets.document(found.facets)} if ask.facets else {}
    leads = redirects.find(request.auth.catalog, found.words)
    more = {
        "query": _understood(ask.q or "", found),
        "redirect": None if leads is None else asdict(leads),
        **counted,
    }
    return Made(found.answer, may_know and user is not None, more)


def _understood(text: str, found: SearchAnswer) -> dict[str, object]:
    return {
        "text": text,
        "meant": found.meant if text and found.meant != text else None,
        "missing_words": [word.typed for word in found.words if not word.products],
        "synonyms": {
            word.typed: [text for text, _ in word.synonyms] for word in found.words if word.synonyms
        },
        "relaxed": bool(found.words) and not found.has_all,
    }


SEARCH = Operation(name="search", schema=SearchRequest, make=_search, knows_users=True)
