"""Merges over REST, and how to undo them: of a visitor who signs in, of two entries of a thing."""

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
from recommender.history.merge_products import MergeError, merge_products, part_products
from recommender.history.unmerge import MergedOnError, TooLateError, unmerge

router = Router(auth=server_key)


class MergeOut(Schema):
    """What a user or product got of another, or gave back."""

    id: str
    events: int
    missing_ids: list[str]


class UnmergeParameters(Strict):
    """Who gets back what was theirs."""

    from_: Annotated[Id, Field(alias="from", description="The visitor, or the duplicate.")]


# Before what an id alone leads to: one may be sent with bare slashes, and would take in the word.
@router.post(
    "/users/{id:user_id}/merge",
    response=MergeOut,
    tags=["users"],
    summary="Merge a user into this one",
)
def merge_user(request: ApiRequest, user_id: PathId, merge: MergeIn) -> HttpResponse:
    """Give all that `from` did to this user, and remove `from`: a visitor who has signed in.

    To ask again changes nothing: `from`, which is then unknown, is in `missing_ids`.
    """
    codec.check_known(request, ())
    _check_two(user_id, merge.from_)
    return _answer(user_id, merge.from_, merge_users(request.auth.catalog, user_id, merge.from_))


@router.delete(
    "/users/{id:user_id}/merge", response=MergeOut, tags=["users"], summary="Undo a merge"
)
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


@router.post(
    "/products/{id:product_id}/merge",
    response=MergeOut,
    tags=["products"],
    summary="Merge a duplicate",
)
def merge_product(request: ApiRequest, product_id: PathId, merge: MergeIn) -> HttpResponse:
    """Give this product all that happened with `from`, which is listed no more.

    The id of `from` stands for this product from then on. To ask again changes nothing.
    """
    codec.check_known(request, ())
    try:
        moved = merge_products(request.auth.catalog, product_id, merge.from_, "the API")
    except MergeError as exc:
        raise Problem(409, "not-mergeable", str(exc)) from exc
    return _answer(product_id, merge.from_, moved)


@router.delete(
    "/products/{id:product_id}/merge", response=MergeOut, tags=["products"], summary="Undo a merge"
)
def unmerge_product(
    request: ApiRequest, product_id: PathId, ask: Parameters[UnmergeParameters]
) -> HttpResponse:
    """Bring back `from`, with the events that it had; those that came since stay.

    What is not merged into this product is in `missing_ids`, and nothing changes.
    """
    codec.check_known(request, ("from",))
    moved = part_products(request.auth.catalog, product_id, ask.from_)
    return _answer(product_id, ask.from_, moved)


def _check_two(user_id: str, other: str) -> None:
    if other == user_id:
        raise Problem(400, "same-user", f"`from` is user {user_id!r} already; name another.")


def _answer(kept: str, other: str, moved: int | None) -> HttpResponse:
    missing = [other] if moved is None else []
    return codec.respond({"id": kept, "events": moved or 0, "missing_ids": missing})
