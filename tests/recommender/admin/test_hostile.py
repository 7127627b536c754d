"""Addresses of the admin with values that no link of it has."""

import pytest
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import PAGE_VAR
from django.test import Client
from django.urls import reverse

from recommender.models import Catalog

VALUES = ("a%00b", "9" * 5_000, "%FF%ED%A0%80²")


def parameters() -> list[tuple[str, str]]:
    """Each list of the admin, with each parameter that it reads."""
    found = []
    for model, shown in admin.site._registry.items():
        address = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        names = {"q", "o", "e", PAGE_VAR, "all", "nonsense"}
        for part in shown.list_filter:
            name = getattr(part[0] if isinstance(part, tuple) else part, "parameter_name", None)
            field = part[0] if isinstance(part, tuple) else part
            names |= {name} if name else {str(field), f"{field}__id__exact", f"{field}__exact"}
        found += [(address, name) for name in sorted(names)]
    return found


@pytest.mark.parametrize("address", sorted({address for address, _ in parameters()}))
def test_no_value_in_an_address_is_an_error_on_our_side(
    admin_client: Client, catalog: Catalog, address: str
) -> None:
    admin_client.raise_request_exception = False
    for name in [name for known, name in parameters() if known == address]:
        # Of U+0000 the first is enough: it is refused for all of them alike.
        for value in VALUES if name == "q" else VALUES[1:]:
            answer = admin_client.get(f"{reverse(address)}?{name}={value}")
            assert answer.status_code in (200, 302, 400, 404), (name, value[:20])


def test_no_object_of_such_a_name_is_an_error_on_our_side(
    admin_client: Client, catalog: Catalog
) -> None:
    admin_client.raise_request_exception = False
    for address in sorted({address for address, _ in parameters()}):
        for value in VALUES:
            for part in ("change", "delete", "history"):
                answer = admin_client.get(f"{reverse(address)}{value}/{part}/")
                assert answer.status_code in (200, 302, 400, 403, 404), (address, value[:20], part)


def test_no_choice_of_rows_is_an_error_on_our_side(admin_client: Client, catalog: Catalog) -> None:
    admin_client.raise_request_exception = False
    for address in sorted({address for address, _ in parameters()}):
        for chosen in ("abc", "\0", "9" * 5_000, "9" * 30):
            for action in ("delete_selected", "re_embed", "nonsense", "\0"):
                data = {"action": action, ACTION_CHECKBOX_NAME: chosen}
                answer = admin_client.post(reverse(address), data)
                assert answer.status_code in (200, 302, 400, 403, 404), (address, chosen[:9])
