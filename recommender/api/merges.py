"""Visitors who sign in become users, over REST; for a day that can be undone."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec
from recommender.api.auth import ApiRequest, server_key
from recommender.api.fields import Id, PathId
from recommender.api.problems import Problem
from recommender.api.schemas import MergeIn, Strict
from recommender.history.merge import merge_users
from recommender.history.unmerge import MergedOnError, TooLateError, unmerge

router = Router(tags=["users"], auth=server_key)


class MergeOut(Schema):
    """What a user got of another, or gave back."""

    id: str
    events: int
    missing_ids: list[str]


class UnmergeParameters(Strict):
    """Whom a user gives back what they got of them."""

    from_: Annotated[Id, Field(alias="from", description="The visitor.")]


# Before what an id alone leads to: one may be sent with bare slashes, and would take in the word.
@router.post("/users/{id:user_id}/merge", response=MergeOut, summary="Merge a user into this one")
def merge_user(request: ApiRequest, user_id: PathId, merge: MergeIn) -> HttpResponse:
    """Give all that `from` did to this user, and remove `from`: a visitor who has signed in.

    To ask again changes nothing: `from`, which is then unknown, is in `missing_ids`.
    """
    codec.check_known(request, ())
    _check_two(user_id, merge.from_)
    return _answer(user_id, merge.from_, merge_users(request.auth.catalog, user_id, merge.from_))


@router.delete("/users/{id:user_id}/merge", response=MergeOut, summary="Undo a merge")
def unmerge_user(
    request: ApiRequest, user_id: PathId, ask: Parameters[UnmergeParameters]
) -> HttpResponse:
    """Give `from` back what this user got of them by merges of the last day.

    What came to the user since stays. To ask again changes nothing: `from`, of whom there is
    nothing to give back, is in `missing_ids`.
    """
    codec.check_known(request, ("from",))
    _check_two(user_id, ask.from_)
    try:
        moved = unmerge(request.auth.catalog, user_id, ask.from_)
    except TooLateError as exc:
        raise Problem(409, "merge-too-old", str(exc)) from exc
    except MergedOnError as exc:
        raise Problem(409, "merged-on", str(exc)) from exc
    return _answer(user_id, ask.from_, moved)


def _check_two(user_id: str, other: str) -> None:
    if other == user_id:
        raise Problem(400, "same-user", f"`from` is user {user_id!r} already; name another.")


def _answer(user_id: str, other: str, moved: int | None) -> HttpResponse:
    missing = [other] if moved is None else []
    return codec.respond({"id": user_id, "events": moved or 0, "missing_ids": missing})
