"""Saying which models are products."""

from collections.abc import Callable
from typing import TypeVar, get_type_hints

from django.db.models import Model, QuerySet
from django.db.models.signals import post_delete, post_save

from kinship_client.django import registry, sending
from kinship_client.django.registry import Field, Registered
from kinship_client.options import ProductInput

M = TypeVar("M", bound=Model)

_MEMBERS = get_type_hints(ProductInput).keys() - {"id"}


def register(
    model: type[M],
    *,
    key: str = "pk",
    rows: Callable[[], QuerySet[M]] | None = None,
    **fields: Field,
) -> type[M]:
    """Have a model's rows sent as products: each after the commit that saves or deletes it.

        register(Product, title="name", price="price", category="category__name",
                 attributes=["colour"], in_stock=lambda product: product.stock > 0)

    Without fields the model says it itself, by a method `to_kinship()` that returns a dict, or
    None for a row that is not on sale; then `@register` above the class is enough.

    Args:
        key: the unique field whose value is the product's id.
        rows: the rows that are read; all of the model's default manager where not given. Products
            that are not among them are taken off sale.
        fields: the product's members. A text is a field's name, with `__` into another table's; of
            `attributes` a list of names, or a dict of such.

    Raises:
        TypeError: a member that products do not have, or neither fields nor `to_kinship`.
    """
    unknown = fields.keys() - _MEMBERS
    if unknown:
        told = f"{', '.join(sorted(unknown))}; there are {', '.join(sorted(_MEMBERS))}"
        raise TypeError(f"products have no {told}")
    if not fields and not hasattr(model, "to_kinship"):
        raise TypeError(f"{model.__name__} has no to_kinship(), and no fields were given")
    registry.add(Registered(model, key, rows or model._default_manager.all, fields))
    post_save.connect(sending.changed, sender=model, dispatch_uid="kinship")
    post_delete.connect(sending.changed, sender=model, dispatch_uid="kinship")
    return model
