"""Users over REST."""

from typing import Any

from django.http import HttpResponse
from ninja import Router

from recommender.api import codec
from recommender.api.auth import ApiRequest, server_key
from recommender.api.problems import Problem
from recommender.api.schemas import Id, UserIn
from recommender.history import erase
from recommender.models import Catalog, User

router = Router(tags=["users"], auth=server_key)


@router.put("/users/{path:user_id}", summary="Add or replace a user")
def put_user(request: ApiRequest, user_id: Id, user: UserIn) -> HttpResponse:
    """Set a user's attributes. Users also appear by themselves with their first event."""
    row, created = User.objects.update_or_create(
        catalog=request.auth.catalog,
        external_id=user_id,
        defaults={"attributes": user.attributes},
    )
    return codec.respond(_shown(row), 201 if created else 200)


@router.get("/users/{path:user_id}", summary="A user")
def get_user(request: ApiRequest, user_id: Id) -> HttpResponse:
    """A user's attributes and the time of their last event."""
    return codec.respond(_shown(_find(request.auth.catalog, user_id)))


@router.delete("/users/{path:user_id}", response={204: None}, summary="Erase a user")
def delete_user(request: ApiRequest, user_id: Id) -> HttpResponse:
    """Erase a user, their history and their profiles, for good."""
    erase.erase(_find(request.auth.catalog, user_id))
    return HttpResponse(status=204)


def _find(catalog: Catalog, user_id: str) -> User:
    user = User.objects.filter(catalog=catalog, external_id=user_id).first()
    if user is None:
        detail = f"There is no user {user_id!r}."
        raise Problem(404, "unknown-user", detail, missing_ids=[user_id])
    return user


def _shown(user: User) -> dict[str, Any]:
    return {
        "id": user.external_id,
        "attributes": user.attributes,
        "last_event_at": user.last_event_at,
    }
