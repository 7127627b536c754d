"""The form of a product, held to the rules of the API."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from recommender.admin.base import JsonField, ModelForm
from recommender.admin.fields import AddressesField
from recommender.catalog import attributes, upsert, values
from recommender.catalog.values import BadValueError
from recommender.engine.answer import plain_value
from recommender.models import Product


class ProductForm(ModelForm[Product]):
    """A product's content, read and bounded as the API's."""

    image_urls = AddressesField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))
    video_urls = AddressesField(required=False, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}))

    class Meta:
        model = Product
        exclude = ()  # The fieldsets choose.
        field_classes: ClassVar = {
            "attributes": JsonField,
        }
        widgets: ClassVar = {
            "title": UnfoldAdminTextInputWidget,
            "category": UnfoldAdminTextInputWidget,
            "brand": UnfoldAdminTextInputWidget,
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
            "attributes": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Four decimals are stored; money mostly has two.
        price = self.initial.get("price")
        if price is not None and price == round(price, 2):
            self.initial["price"] = round(price, 2)

    def clean(self) -> dict[str, Any]:
        """Each field as the API reads it, attributes of the declared types, and not too much."""
        for name, read in values.PRODUCT.items():
            if name in self.cleaned_data:
                self._read(name, read)
        declared = self.instance.catalog.attributes
        if reason := attributes.conflict(self.cleaned_data.get("attributes", {}), declared):
            self.add_error("attributes", f"Here {reason}.")
        elif not self.errors and (reason := upsert.too_large(self._document())):
            self.add_error(None, f"Here {reason}.")
        return self.cleaned_data

    def _read(self, name: str, read: Callable[[Any], Any]) -> None:
        given = self.cleaned_data[name]
        try:
            value = read(given)
        except BadValueError as exc:
            self.add_error(name, f"This {exc}.")
            return
        if not isinstance(given, Decimal):  # which is more exact than what is read
            self.cleaned_data[name] = getattr(Product(), name) if value is None else value

    def _document(self) -> dict[str, Any]:
        return {name: plain_value(self.cleaned_data.get(name)) for name in values.PRODUCT}
