"""What happens in the shop, told to the service."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest

from kinship_client import calls
from kinship_client.django import registry, service, visitors
from kinship_client.django.conf import configuration
from kinship_client.options import Event


def track(
    request: HttpRequest,
    type: str,  # noqa: A002 - the member's name
    product: Model | str | None = None,
    **more: Any,
) -> None:
    """Send an event of who a request is of, in the background and after commit.

    Of who does not let the shop know them, nothing is sent.

    Args:
        type: such as `view`, `add_to_cart`, `purchase`, `search`.
        product: with what, a row of a registered model or a product's id.
        more: `value`, `quantity`, `query`, `id`, `at`; and `rec_id`, which is that of the request's
            own address where it is not given.
    """
    user = visitors.of(request).id
    if user is None or not configuration().url:
        return
    given = {"rec_id": _rec_id(request), **more}
    event: Any = {"type": type, "user": user, "product": _id_of(product), **given}
    queued: Event = calls.complete(event)
    # What a rollback undoes has not happened.
    transaction.on_commit(partial(service.events().put, queued), robust=True)


def _id_of(product: Model | str | None) -> str | None:
    return registry.of_row(product).id_of(product) if isinstance(product, Model) else product


def _rec_id(request: HttpRequest) -> str | None:
    try:
        return str(UUID(request.GET.get("rec_id", "")))
    except ValueError:
        return None
