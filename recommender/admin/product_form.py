"""The form of a product: its content, held to the rules of the API."""

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from recommender.admin.base import ModelForm
from recommender.catalog import attributes
from recommender.models import Product

_is_url = URLValidator(schemes=["http", "https"])


class ProductForm(ModelForm[Product]):
    """A product's content, held to the rules of the API."""

    class Meta:
        model = Product
        exclude = ()  # The fieldsets choose.
        widgets: ClassVar = {
            "title": UnfoldAdminTextInputWidget,
            "category": UnfoldAdminTextInputWidget,
            "brand": UnfoldAdminTextInputWidget,
            "description": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
            "image_urls": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "video_urls": UnfoldAdminTextareaWidget(attrs={"rows": 2}),
            "attributes": UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        }

    def clean_image_urls(self) -> list[str]:
        """A list of addresses."""
        return _urls(self.cleaned_data["image_urls"])

    def clean_video_urls(self) -> list[str]:
        """A list of addresses."""
        return _urls(self.cleaned_data["video_urls"])

    def clean_attributes(self) -> dict[str, Any]:
        """An object whose values have the declared types."""
        values = self.cleaned_data["attributes"] or {}
        if not isinstance(values, dict):
            raise ValidationError('Give an object, such as {"colour": "red"}.')
        if reason := attributes.conflict(values, self.instance.catalog.attributes):
            raise ValidationError(f"Here {reason}.")
        return values


def _urls(values: Any) -> list[str]:
    if not isinstance(values or [], list):
        raise ValidationError('Give a list, such as ["https://shop.example/a.jpg"].')
    for value in values or []:
        _is_url(value)
    return values or []
