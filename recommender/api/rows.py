"""The rows of a page for a user: several titled lists in one answer."""

from dataclasses import replace
from typing import Annotated

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender.api import answers, codec, reasons, user_tokens
from recommender.api.answers import AnswerOut
from recommender.api.auth import ApiRequest, any_key
from recommender.api.fields import PathId
from recommender.api.list_requests import ListRequest
from recommender.api.queries import from_query, query_of
from recommender.api.recommendations import without_own
from recommender.api.related_requests import RowsParameters, RowsRequest
from recommender.engine import answer_log, rows
from recommender.engine.answer import SEEN
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
    rows: list[RowOut]


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
    return _rows(request, user_id, from_query(request, ask, RowsRequest))


@router.post(
    "/users/{id:user_id}/rows",
    response=RowsOut,
    summary="Rows of a page for a user (body)",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_rows(request: ApiRequest, user_id: PathId, ask: RowsRequest) -> HttpResponse:
    """The same, with the request as a body."""
    codec.check_known(request, ())
    return _rows(request, user_id, ask)


def _rows(request: ApiRequest, user_id: str, ask: RowsRequest) -> HttpResponse:
    may_know = user_tokens.may_know(request, user_id)
    listed = ListRequest(count=ask.count, filter=ask.filter, fields=ask.fields, explain=ask.explain)
    query = replace(
        query_of(request.auth, listed),
        exclude=frozenset({SEEN}),
        anonymous_only=not may_know,
        named=True,
    )
    page = rows.page(request.auth.catalog, user_id, query, ask.rows, names_own=may_know)
    response = codec.respond(
        {
            "missing_ids": page.missing_ids,
            "fallback": page.fallback,
            "degraded": page.degraded,
            "rows": [_row(request, row, listed, may_know=may_know) for row in page.rows],
        }
    )
    answers.tell_language(request, response)
    user_tokens.vary(request, response)
    return response


def _row(
    request: ApiRequest, row: Row, listed: ListRequest, *, may_know: bool
) -> dict[str, object]:
    code = reasons.row_code(row.code, row.cause)
    answer = row.answer if may_know else without_own(row.answer)
    return {
        "code": code,
        "title": reasons.row_title(code, row.name, row.cause, answers.language_of(request)),
        "because": None if row.cause is None else row.cause.id,
        "rec_id": str(answer_log.new_id()),
        **answers.document(request, answer, listed),
    }
