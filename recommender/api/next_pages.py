"""The next page of a list."""

from typing import Annotated
from uuid import UUID

from django.http import HttpResponse
from ninja import Router
from pydantic import Field, ValidationError

from recommender.api import codec, listing, user_tokens
from recommender.api.answers import AnswerOut
from recommender.api.auth import ApiRequest, any_key
from recommender.api.fields import Count
from recommender.api.list_requests import ListRequest
from recommender.api.listing import Operation, Page
from recommender.api.operations import OPERATIONS
from recommender.api.problems import Problem
from recommender.api.schemas import Strict
from recommender.engine import answer_log
from recommender.engine.answer import Continuation, product_keys
from recommender.engine.answer_log import ListedAnswer

router = Router(tags=["recommendations"], auth=any_key)

# All pages of a list together; each makes the next one's statements longer.
MOST_SHOWN = 5_000


class NextRequest(Strict):
    """What a request for the next page may say."""

    count: Annotated[
        Count | None, Field(description="As many as on the page before, where it is left out.")
    ] = None


@router.post(
    "/recommendations/{rec_id}/next",
    response=AnswerOut,
    summary="The next page of a list",
    openapi_extra=user_tokens.DOCUMENTED,
)
def post_next(request: ApiRequest, rec_id: UUID, ask: NextRequest) -> HttpResponse:
    """The products that come after those of an answer, for an hour after it.

    What any page before has shown is not shown again, whatever has happened meanwhile. The answer
    has an id of its own, by which the page after is asked for.
    """
    codec.check_known(request, ())
    found = _found(request, rec_id)
    operation, asked = _asked(found, ask)
    return listing.respond(request, operation, asked, found.subject, _after(found))


def page(request: ApiRequest, rec_id: UUID, ask: NextRequest) -> Page:
    """The same as JSON will have it."""
    found = _found(request, rec_id)
    operation, asked = _asked(found, ask)
    return operation.page(request, asked, found.subject, _after(found))


def _found(request: ApiRequest, rec_id: UUID) -> ListedAnswer:
    found = answer_log.find(request.auth.catalog.pk, rec_id)
    if found is None:
        raise _unknown(rec_id)
    _check_vouched(request, found)
    return found


def _unknown(rec_id: UUID) -> Problem:
    detail = f"There is no answer {str(rec_id)!r}; answers are kept for an hour. Ask anew."
    return Problem(404, "unknown-answer", detail)


def _check_vouched(request: ApiRequest, found: ListedAnswer) -> None:
    """See that what a known user's list has shown nobody is told without their token."""
    is_browser = request.auth.is_public
    if found.is_vouched and is_browser and user_tokens.user_of(request) is None:
        detail = f"The answer is of a user who is known. {user_tokens.NEEDED}"
        raise Problem(403, "needs-user-token", detail)


def _asked(found: ListedAnswer, ask: NextRequest) -> tuple[Operation, ListRequest]:
    """What was asked; after an update of this service it may be understood no more."""
    operation = OPERATIONS.get(found.operation)
    try:
        if operation is not None:
            asked = operation.schema.model_validate_json(found.request())
            # What neither says is the placement's to say.
            told = {} if ask.count is None else {"count": ask.count}
            return operation, asked.model_copy(update=told)
    except ValidationError as exc:
        raise _unknown(found.rec_id) from exc
    raise _unknown(found.rec_id)


def _after(found: ListedAnswer) -> Continuation:
    shown = {*found.shown, *product_keys(found.catalog_id, found.items)}
    if len(shown) > MOST_SHOWN:
        detail = f"The list has shown {len(shown):,} products, of {MOST_SHOWN:,} at most. Ask anew."
        raise Problem(400, "list-too-long", detail)
    return Continuation(tuple(sorted(shown)), found.tail)
