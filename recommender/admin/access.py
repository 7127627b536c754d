"""Which catalogs a person sees, and the rows of any model that belong to them.

Django's permissions say what a person may do; a `CatalogAccess` says where. A superuser, and who
has none, sees all catalogs.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from recommender.models import Catalog, CatalogAccess

_M = TypeVar("_M", bound=Model)
# Where a row says its catalog, the first that a model has.
_PATHS = ("catalog", "space", "webhook")
_Person = AbstractBaseUser | AnonymousUser


def path(model: type[Model]) -> str | None:
    """How to get from a row of a model to the id of its catalog; None of what belongs to none."""
    if model is Catalog:
        return "pk"
    for name in _PATHS:
        try:
            model._meta.get_field(name)
        except FieldDoesNotExist:
            continue
        return name if name == "catalog" else f"{name}__catalog"
    return None


def narrowing(request: HttpRequest) -> CatalogAccess | None:
    """What narrows the person who asks; None where nothing does. Asked once a request."""
    known: dict[str, Any] = request.__dict__
    if "catalog_access" not in known:
        known["catalog_access"] = _narrowing(request.user)
    found: CatalogAccess | None = known["catalog_access"]
    return found


def _narrowing(person: _Person) -> CatalogAccess | None:
    if getattr(person, "is_superuser", False) or person.pk is None:
        return None
    return CatalogAccess.objects.filter(user=person.pk).first()


def catalogs(request: HttpRequest) -> QuerySet[Catalog]:
    """The catalogs that the person who asks sees, by name."""
    return narrow(Catalog.objects.order_by("name"), request)


def narrow(rows: "QuerySet[_M]", request: HttpRequest) -> "QuerySet[_M]":
    """Those of the rows that are of catalogs that the person who asks sees."""
    access, way = narrowing(request), path(rows.model)
    if access is None or way is None:
        return rows
    return rows.filter(**{f"{way}__in": access.catalogs.values("pk")})


def narrow_choices(form: forms.BaseForm, request: HttpRequest) -> None:
    """Have a form take only a catalog that the person who asks sees."""
    field = form.fields["catalog"]
    if isinstance(field, forms.ModelChoiceField):
        field.queryset = catalogs(request)


def of(request: HttpRequest, catalog_ids: Iterable[int | None]) -> set[int | None]:
    """Those of these catalogs that the person who asks sees."""
    wanted = set(catalog_ids)
    access = narrowing(request)
    if access is None:
        return wanted
    return wanted & set(access.catalogs.values_list("pk", flat=True))


def give(request: HttpRequest, catalog: Catalog) -> None:
    """Have the person who made a catalog see it."""
    access = narrowing(request)
    if access is not None:
        access.catalogs.add(catalog)
