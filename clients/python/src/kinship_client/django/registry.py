"""Which models are products, and how one of them becomes a product of the service."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from django.db.models import Model, QuerySet

from kinship_client.options import ProductInput

Value: TypeAlias = str | Callable[[Any], Any]
Field: TypeAlias = Value | Collection[str] | Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Registered:
    """A model whose rows are products.

    Attributes:
        key: the field whose value is the product's id; unique.
        rows: what of the model is read, with what its products are made of.
        fields: the product's members, each by a field's name or a function.
    """

    model: type[Model]
    key: str
    rows: Callable[[], QuerySet[Any]]
    fields: Mapping[str, Field]

    @property
    def label(self) -> str:
        return self.model._meta.label

    def id_of(self, row: Model) -> str:
        """The product's id."""
        return str(getattr(row, self.key))

    def product_of(self, row: Any) -> ProductInput | None:
        """The product; None where the row is to be none, by its own `to_kinship()`."""
        if not self.fields:
            document = row.to_kinship()
            if document is None:
                return None
        else:
            document = {name: _read(row, field) for name, field in self.fields.items()}
        return cast("ProductInput", {**document, "id": self.id_of(row)})


_registered: dict[type[Model], Registered] = {}


def add(one: Registered) -> None:
    """Have a model's rows be products."""
    _registered[one.model] = one


def registered() -> list[Registered]:
    """All models whose rows are products."""
    return list(_registered.values())


def of_label(label: str) -> Registered:
    """The registration of a model, by its label, such as `shop.Product`."""
    return next(one for one in _registered.values() if one.label == label)


def of_row(row: Model) -> Registered:
    """The registration of a row's model, or of one that it is made from.

    Raises:
        LookupError: it is not registered.
    """
    for kind in type(row).__mro__:
        if kind in _registered:
            return _registered[kind]
    raise LookupError(f"{type(row).__name__} is not registered: register() makes it a product")


def _read(row: Any, field: Field) -> Any:
    if isinstance(field, str):
        return _follow(row, field.split("__"))
    if callable(field):
        return field(row)
    named = field if isinstance(field, Mapping) else {name: name for name in field}
    return {name: _read(row, value) for name, value in named.items()}


def _follow(row: Any, names: Iterable[str]) -> Any:
    for name in names:
        row = None if row is None else getattr(row, name)
    return row
