"""The webhooks of a catalog: made, changed, looked up."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from recommender.models import Catalog, Webhook
from recommender.webhooks import deliveries

MOST = 20


class TooManyWebhooksError(Exception):
    """The catalog has MOST webhooks."""


def put(catalog: Catalog, name: str, fields: Mapping[str, Any]) -> tuple[Webhook, bool]:
    """Make a webhook, or change one, which is tried again where it was stopped; whether it is new.

    Args:
        fields: by their names; `secret` may be left out, and is then as it was, or made.

    Raises:
        TooManyWebhooksError: it would be one too many.
        django.core.exceptions.ValidationError: a field is not right.
    """
    with transaction.atomic():
        # One at a time, so that no two are the last.
        Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        here = Webhook.objects.filter(catalog=catalog)
        webhook = here.filter(name=name).first()
        is_new = webhook is None
        if webhook is None:
            if here.count() >= MOST:
                raise TooManyWebhooksError
            webhook = Webhook(catalog=catalog, name=name)
        for field, value in fields.items():
            setattr(webhook, field, value)
        webhook.clean_fields(exclude=["catalog"])
        webhook.save()
        if not is_new:
            deliveries.start_again(webhook)
            webhook.refresh_from_db()
    return webhook, is_new
