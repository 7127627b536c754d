"""From a request for a list to its answer: the one way that all endpoints of lists take."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from django.http import HttpResponse

from recommender import time_budget
from recommender.api import answers, codec, fallbacks, placing, queries, user_tokens
from recommender.api.auth import ApiRequest
from recommender.api.list_requests import ListRequest, SummaryRequest
from recommender.api.problems import Problem
from recommender.engine import answer_log, backfill, recommendation_log, trace
from recommender.engine.answer import FIRST_PAGE, Answer, Continuation
from recommender.engine.answer_log import ListedAnswer
from recommender.engine.placed import Placing
from recommender.engine.recommendation_log import NOWHERE
from recommender.monitoring import lists
from recommender.time_budget import TIMEOUT, TimeUpError

# Of the time that a request gives, for its list; the rest is for what is popular instead.
_SHARE = 0.7


# What who is held out is shown; the list was made, so that what is wrong with a request is told to
# all of its users alike.
HELD_OUT = Answer(
    items=(), complete=False, reason="held out by an experiment: no recommendations are shown"
)


@dataclass(frozen=True, slots=True)
class Made:
    """An answer, and what an endpoint has to say beside it."""

    answer: Answer
    is_vouched: bool = False  # whether it is a user's own, of whom the caller may know
    more: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A list that can be asked for, in an address of its own and by its name.

    `make` is given the request, what the address names ("" where it names nothing), what is asked,
    and what the list goes on from.
    """

    name: str
    schema: type[ListRequest]
    make: Callable[[ApiRequest, str, Any, Continuation], Made]
    subject: str | None = None  # what its address names, as a body calls it
    knows_users: bool = False  # whether a user token changes what a browser is answered

    def of(self, subject: str) -> placing.Of:
        """What a placement has to know of it, asked of this subject."""
        named = {self.subject: subject} if self.subject else {}
        return placing.Of(self.name, self.schema, **named)

    def page(
        self, request: ApiRequest, ask: Any, subject: str, after: Continuation = FIRST_PAGE
    ) -> "Page":
        """As `page` of this module."""
        return page(request, self, ask, subject, after)


@dataclass(frozen=True, slots=True)
class Page:
    """A page as JSON will have it, and the ids of the products on it."""

    document: Mapping[str, Any]
    listed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What can be asked for, in an address of its own and by its name, that is no list of products:
    rows of them, segments, users. No page follows it.

    `make` is given what an Operation's is.
    """

    name: str
    schema: type[SummaryRequest]
    make: Callable[[ApiRequest, str, Any, Continuation], Page]
    subject: str
    has_titles: bool = False  # whether it is in the language of whoever asks

    def page(
        self,
        request: ApiRequest,
        ask: Any,
        subject: str,
        after: Continuation = FIRST_PAGE,
    ) -> Page:
        """As JSON will have it, within its time and with its stages where they are asked for.

        Raises:
            Problem: 503 where there is no time for anything.
        """
        seconds = ask.timeout_ms and ask.timeout_ms / 1000
        try:
            with (
                trace.recording() if ask.trace else nullcontext() as recorder,
                time_budget.within(seconds) if seconds else nullcontext(),
            ):
                page = self.make(request, subject, ask, after)
        except TimeUpError as exc:
            raise _took_too_long(ask) from exc
        if recorder is None:
            return page
        return replace(page, document={**page.document, "trace": answers.stages(recorder)})

    def respond(self, request: ApiRequest, ask: SummaryRequest, subject: str) -> HttpResponse:
        """The same as a response."""
        response = codec.respond(self.page(request, ask, subject).document)
        if self.has_titles:
            answers.tell_language(request, response)
        user_tokens.vary(request, response)
        return response


def respond(
    request: ApiRequest,
    operation: Operation,
    ask: ListRequest,
    subject: str = "",
    after: Continuation = FIRST_PAGE,
) -> HttpResponse:
    """A page of a list, the first or the one after another."""
    made = page(request, operation, ask, subject, after)
    return _response(request, operation, ask, made.document)


def page(
    request: ApiRequest,
    operation: Operation,
    ask: ListRequest,
    subject: str = "",
    after: Continuation = FIRST_PAGE,
) -> Page:
    """The same as JSON will have it; what it shows is remembered, so that the list can go on."""
    of = operation.of(subject)
    ask = placing.place(request, of, ask)
    made, document = _documented(request, operation, ask, subject, after)
    listed = tuple(item.id for item in made.answer.items[: len(document["items"])])
    if not ask.consent:
        return Page({"rec_id": str(answer_log.new_id()), **document}, listed)
    rec_id = log_shown(
        request,
        operation.name,
        made.answer,
        count=len(listed),
        user=of.user_in(ask),
        placing=ask.placing,
    )
    answer_log.writer.add(
        ListedAnswer(
            rec_id=rec_id,
            catalog_id=request.auth.catalog.pk,
            operation=operation.name,
            subject=subject,
            request=ask.as_asked,
            is_vouched=made.is_vouched,
            shown=after.shown,
            items=listed,
            tail=made.answer.tail,
        )
    )
    return Page({"rec_id": str(rec_id), **document}, listed)


def log_shown(
    request: ApiRequest,
    operation: str,
    answer: Answer,
    *,
    count: int,
    user: str | None,
    placing: Placing | None,
) -> UUID:
    """The id of an answer that shows so many of its items, which goes to the recommendation log."""
    rec_id = answer_log.new_id()
    entry = recommendation_log.entry(
        *(request.auth.catalog, rec_id, operation, answer),
        count=count,
        user=user,
        placed=NOWHERE if placing is None else placing.placed,
    )
    answer_log.writer.log(entry)
    return rec_id


def preview(
    request: ApiRequest, operation: Operation, ask: ListRequest, subject: str = ""
) -> Mapping[str, Any]:
    """The same for whoever looks at what shoppers get: nothing of it is remembered."""
    ask = placing.place(request, operation.of(subject), ask)
    document = _documented(request, operation, ask, subject, FIRST_PAGE)[1]
    read: Mapping[str, Any] = codec.decode(codec.encode(document))
    return read


def _documented(
    request: ApiRequest, operation: Operation, ask: ListRequest, subject: str, after: Continuation
) -> tuple[Made, dict[str, Any]]:
    """What was made, with its stages where they are asked for."""
    with trace.recording() if ask.trace or lists.is_sampled() else nullcontext() as recorder:
        made = _made(request, operation, ask, subject, after)
    lists.count(operation.name, made.answer, ask.size(), recorder)
    told = recorder if ask.trace else None
    return made, answers.document(request, made.answer, ask, made.more, told)


def _made(
    request: ApiRequest, operation: Operation, ask: ListRequest, subject: str, after: Continuation
) -> Made:
    """The answer; where it takes too long what is popular, and it says so.

    Raises:
        Problem: 503 where there is no time for that either.
    """
    if ask.timeout_ms is None:
        return _filled(request, operation, ask, subject, after)
    seconds = ask.timeout_ms / 1000
    try:
        with time_budget.within(_SHARE * seconds):
            return _filled(request, operation, ask, subject, after)
    except TimeUpError:
        with time_budget.within((1 - _SHARE) * seconds):
            return _popular(request, operation, ask, subject, after)


def _filled(
    request: ApiRequest, operation: Operation, ask: ListRequest, subject: str, after: Continuation
) -> Made:
    """The answer, filled up by the fallback of its placement; empty where it is held out."""
    made = operation.make(request, subject, ask, after)
    if ask.placing is not None and ask.placing.is_held_out:
        return replace(made, answer=HELD_OUT)
    answer = fallbacks.filled(request, made.answer, ask, operation.of(subject), after)
    return made if answer is made.answer else replace(made, answer=answer)


def _popular(
    request: ApiRequest, operation: Operation, ask: ListRequest, subject: str, after: Continuation
) -> Made:
    product = subject if operation.subject == "product" else None
    try:
        query = queries.query_of(request.auth, ask, after, product=product)
        answer = backfill.fall_back(request.auth.catalog, query)
    except TimeUpError as exc:
        raise _took_too_long(ask) from exc
    late = {operation.name: TIMEOUT} | ({"rules": TIMEOUT} if query.rules is not None else {})
    return Made(replace(answer, degraded={**answer.degraded, **late}))


def _took_too_long(ask: ListRequest | SummaryRequest) -> Problem:
    detail = f"Nothing could be listed within {ask.timeout_ms} ms. Give it more, or ask for less."
    return Problem(503, "took-too-long", detail)


def _response(
    request: ApiRequest, operation: Operation, ask: ListRequest, document: Mapping[str, Any]
) -> HttpResponse:
    response = codec.respond(document)
    if ask.explain:
        answers.tell_language(request, response)
    if operation.knows_users:
        user_tokens.vary(request, response)
    return response
