"""The rows of a page for a user: several titled lists in one answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender.api import answers, codec, listing, placing, reasons, user_tokens
from recommender.api.answers import AnswerOut, Traced
from recommender.api.auth import ApiRequest, any_key
from recommender.api.control_requests import PlacementRequest
from recommender.api.fields import PathId
from recommender.api.list_requests import ListRequest
from recommender.api.listing import Page, Summary
from recommender.api.operations import OPERATIONS
from recommender.api.placing import Of
from recommender.api.queries import from_query, query_of
from recommender.api.recommendations import without_own
from recommender.api.related_requests import RowsParameters, RowsRequest
from recommender.engine import answer_log, rows
from recommender.engine.answer import SEEN, Continuation
from recommender.engine.answer_log import ListedAnswer
from recommender.engine.rows import Row

router = Router(tags=["recommendations"], auth=any_key)


class RowOut(AnswerOut):
    """A list with a title."""

    code: Annotated[str, Field(description="The kind of row, for those who write own titles.")]
    title: Annotated[str, Field(description="In the first language of `Accept-Language` there is.")]
    because: Annotated[str | None, Field(description="The own product that the title names.")]


class RowsOut(Schema):
    """The rows of a page, the most telling first; no product is in two of them."""

    missing_ids: list[str]
    fallback: str | None
    degraded: dict[str, str]
    scenario: str | None = None
    scenario_version: int | Literal["draft"] | None = None
    variant: str | None = None
    rows: list[RowOut]
    trace: Traced = None


@router.get(
    "/users/{id:user_id}/rows",
    response=RowsOut,
    summary="Rows of a page for a user",
    openapi_extra=user_tokens.DOCUMENTED,
)
def get_rows(request: ApiRequest, user_id: PathId, ask: Parameters[RowsParameters]) -> HttpResponse:
    """Several titled lists in one answer: what is for the user, then what is for everybody.

    For a user nobody knows, and for a browser key without a user token, what is for everybody.
    """
    return ROWS.respond(request, from_query(request, ask, RowsRequest), user_id)


@router.post(
    "/users/{id:user_id}/rows",
    response=RowsOut,
    summary="Rows of a page for a user (body)",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_rows(request: ApiRequest, user_id: PathId, ask: RowsRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return ROWS.respond(request, ask, user_id)


def _rows(request: ApiRequest, user_id: str, ask: RowsRequest, after: Continuation) -> Page:
    may_know = user_tokens.may_know(request, user_id)
    ask = placing.place(request, Of(placing.ROWS, RowsRequest, user=user_id), ask)
    listed = ListRequest(
        count=ask.count,
        filter=ask.filter,
        fields=ask.fields,
        explain=ask.explain,
        consent=ask.consent,
    )
    if ask.placing is not None:
        listed = listed.placed(ask.placing, {})
    query = replace(
        query_of(request.auth, listed, after),
        exclude=frozenset({SEEN}),
        anonymous_only=not may_know,
        named=True,
    )
    page = rows.page(request.auth.catalog, user_id, query, ask.rows, names_own=may_know)
    if ask.placing is not None and ask.placing.is_held_out:
        page = replace(page, rows=())
        # Who sees nothing counts, too.
        listing.log_shown(
            request, placing.ROWS, listing.HELD_OUT, count=0, user=user_id, placing=ask.placing
        )
    shown = tuple(item.id for row in page.rows for item in row.answer.items)
    document = {
        "missing_ids": page.missing_ids,
        "fallback": page.fallback,
        "degraded": {**page.degraded, **answers.degraded_of(ask)},
        **answers.placement_of(ask),
        "rows": [
            {
                **_row(request, row, listed, may_know=may_know),
                "rec_id": str(_remembered(request, user_id, ask, page, row, may_know=may_know)),
            }
            for row in page.rows
        ],
    }
    return Page(document, shown)


def _row(
    request: ApiRequest, row: Row, listed: ListRequest, *, may_know: bool
) -> dict[str, object]:
    code = reasons.row_code(row.code, row.cause)
    answer = row.answer if may_know else without_own(row.answer)
    return {
        "code": code,
        "title": reasons.row_title(code, row.name, row.cause, answers.language_of(request)),
        "because": None if row.cause is None else row.cause.id,
        **answers.document(request, answer, listed),
    }


def _remembered(
    request: ApiRequest,
    user_id: str,
    ask: RowsRequest,
    page: rows.Page,
    row: Row,
    *,
    may_know: bool,
) -> UUID:
    """The id by which the row goes on, with what no row of the page has shown."""
    if not ask.consent:
        return answer_log.new_id()
    shown = len(row.answer.items)
    rec_id = listing.log_shown(
        request, row.road, row.answer, count=shown, user=user_id, placing=ask.placing
    )
    operation = OPERATIONS.get(row.road)
    if operation is None:
        return rec_id
    asked = operation.schema(
        count=ask.count,
        filter=_narrowed(ask.filter, row.narrowed),
        fields=ask.fields,
        explain=ask.explain,
    )
    if ask.placing is not None:
        # Its filter has the row's own part: it is asked for as it is.
        asked = asked.placed(replace(ask.placing, given=frozenset()), _named(ask))
    answer_log.writer.add(
        ListedAnswer(
            rec_id=rec_id,
            catalog_id=request.auth.catalog.pk,
            operation=operation.name,
            subject=row.subject or (user_id if operation.knows_users else ""),
            request=asked.as_asked,
            is_vouched=may_know,
            shown=page.excluded,
            items=tuple(item.id for one in page.rows for item in one.answer.items),
            tail=row.answer.tail,
        )
    )
    return rec_id


def _named(ask: RowsRequest) -> dict[str, Any]:
    """What a further page has to say for the same rules to act."""
    return {name: getattr(ask, name) for name in PlacementRequest.model_fields}


def _narrowed(
    given: Mapping[str, Any] | None, narrowed: Mapping[str, str]
) -> dict[str, Any] | None:
    parts = [dict(part) for part in (given, narrowed) if part]
    return {"all": parts} if parts else None


ROWS = Summary(name=placing.ROWS, schema=RowsRequest, make=_rows, subject="user", has_titles=True)
