"""What a button does is in the history of what it was done to: every button that there is."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

import recommender.admin  # noqa: F401 - has the pages registered
from recommender.catalog import keys
from recommender.importing import uploads
from recommender.insight import evaluations
from recommender.models import (
    ApiKey,
    Catalog,
    EvaluationRun,
    Experiment,
    Feed,
    InsightRun,
    Product,
    QuarantinedProduct,
    Ranker,
    Space,
    Upload,
    User,
    Webhook,
    WebhookDelivery,
)
from tests.recommender.insight.evaluations import EVALUATION
from tests.shop import Shop

from . import page

# Nothing is changed by these.
LOOKING = {"compare", "rejects", "find_out", "export", "why"}
# Tested where their pages are: tests/recommender/admin/test_space_actions.py needs two versions.
ELSEWHERE = {(Space, "activate"), (Space, "roll_back"), (Space, "retire")}
# In tests/recommender/admin/test_product_bulk.py, as it asks what to change first.
ELSEWHERE |= {(Product, "edit_together")}


def _ranker(shop: Shop) -> Ranker:
    return Ranker.objects.create(
        catalog=shop.catalog, mode="new", kind="prior", model=b"", trained_until=timezone.now()
    )


def _feed(shop: Shop) -> Feed:
    return Feed.objects.create(
        catalog=shop.catalog, url="https://shop.example.org/a.csv", every_hours=1
    )


def _upload(shop: Shop) -> Upload:
    upload = Upload(catalog=shop.catalog, name="a.csv")
    uploads.keep(upload, [b"id,title\na,Mug\n"])
    return upload


def _quarantined(shop: Shop) -> QuarantinedProduct:
    mug = shop.product("mug-1")
    return QuarantinedProduct.objects.create(
        space=shop.space,
        product=mug,
        reason="Too long.",
        content_hash=mug.content_hash,
        at=timezone.now(),
    )


def _run(status: str) -> Callable[[Shop], InsightRun]:
    return lambda shop: InsightRun.objects.create(
        catalog=shop.catalog, kind="clusters", status=status, parameters={}
    )


def _catalog(shop: Shop) -> Catalog:
    return shop.catalog


def _webhook(shop: Shop) -> Webhook:
    url = "https://shop.example.org/hook"
    return Webhook.objects.create(
        catalog=shop.catalog, name="till", url=url, kinds=["training.done"]
    )


def _ann(shop: Shop) -> User:
    return shop.user("ann")


# Of each button, the row it is of.
ROWS: dict[tuple[type[Model], str], Callable[[Shop], Model]] = {
    **{
        (Catalog, name): _catalog
        for name in ("train", "evaluate", "train_selected", "evaluate_selected")
    },
    (EvaluationRun, "evaluate_again"): lambda shop: evaluations.store(shop.catalog, EVALUATION),
    (EvaluationRun, "evaluate_all"): lambda shop: evaluations.store(shop.catalog, EVALUATION),
    (Feed, "fetch"): _feed,
    (Feed, "fetch_selected"): _feed,
    (InsightRun, "again"): _run("done"),
    (InsightRun, "cancel"): _run("waiting"),
    (Product, "re_embed"): lambda shop: shop.product("mug-1"),
    (QuarantinedProduct, "try_again"): _quarantined,
    (Ranker, "activate"): _ranker,
    (Experiment, "stop"): lambda shop: Experiment.objects.create(
        catalog=shop.catalog,
        name="test",
        placement="home",
        variants=[],
        status="running",
        started_at=timezone.now(),
    ),
    **{(User, name): _ann for name in ("exclude_selected", "keep_selected", "undecide_selected")},
    **{
        (ApiKey, name): lambda shop: keys.new_key(shop.catalog, "server", "")[0]
        for name in ("revoke", "rotate")
    },
    (User, "erase"): _ann,
    (Webhook, "send_test"): _webhook,
    (Webhook, "start_again"): _webhook,
    (WebhookDelivery, "send_again"): lambda shop: WebhookDelivery.objects.create(
        webhook=_webhook(shop),
        kind="webhook.test",
        body="{}",
        status="failed",
        created_at=timezone.now(),
    ),
    (Upload, "try_it"): _upload,
    (Upload, "start"): _upload,
    (Upload, "read_otherwise"): _upload,
}


def buttons() -> set[tuple[type[Model], str]]:
    """Every button of our pages that changes something."""
    found = set()
    for model, shown in admin.site._registry.items():
        if model._meta.app_label == "recommender":
            names = {
                *(shown.actions or ()),
                *getattr(shown, "actions_detail", ()),
                *getattr(shown, "actions_list", ()),
            }
            found |= {(model, str(name)) for name in names - LOOKING}
    return found


def press(client: Client, model: type[Model], name: str, row: Model) -> None:
    shown: Any = admin.site._registry[model]
    app_and_model = f"recommender_{model._meta.model_name}"
    if name in (shown.actions or ()):
        data = {"action": name, ACTION_CHECKBOX_NAME: row.pk}
        client.post(reverse(f"admin:{app_and_model}_changelist"), data)
    else:
        arguments = [row.pk] if name in shown.actions_detail else []
        data = {"format": "auto", "options": ""}
        client.post(reverse(f"admin:{app_and_model}_{name}", args=arguments), data)


def test_every_button_is_pressed_here() -> None:
    assert buttons() == set(ROWS) | ELSEWHERE


@pytest.mark.parametrize(
    ("model", "name"), sorted(ROWS, key=str), ids=lambda value: getattr(value, "__name__", value)
)
def test_a_button_is_in_the_history(
    admin_client: Client, shop: Shop, model: type[Model], name: str
) -> None:
    row = ROWS[model, name](shop)
    before = LogEntry.objects.count()
    press(admin_client, model, name, row)
    (entry,) = LogEntry.objects.all()[: LogEntry.objects.count() - before]
    assert entry.user.get_username() == "admin"
    assert entry.change_message
    history = f"admin:recommender_{entry.content_type.model}_history"
    told = admin_client.get(reverse(history, args=[entry.object_id]))
    assert entry.change_message in page.text(told)
    if isinstance(row, Upload):
        uploads.remove_file(row.pk)
