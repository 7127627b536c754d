"""Lists in a template: `{% load kinship %}{% recommend "home" as products %}`."""

from typing import Any

from django import template
from django.db.models import Model

from kinship_client.django import lists
from kinship_client.django.lists import Products

register = template.Library()


@register.simple_tag(takes_context=True)
def recommend(context: template.Context, name: str, **options: Any) -> Products:
    """The list of a name for who looks at the page: `{% recommend "home" count=6 as rows %}`."""
    return lists.recommend(context["request"], name, **options)


@register.simple_tag
def similar(product: Model | str, **options: Any) -> Products:
    """What is most like a product: `{% similar product as rows %}`."""
    return lists.related("similar", product, **options)


@register.simple_tag
def bought_together(product: Model | str, **options: Any) -> Products:
    """What is most often in a basket with a product."""
    return lists.related("bought_together", product, **options)


@register.simple_tag
def complements(product: Model | str, **options: Any) -> Products:
    """What goes with a product, without substitutes."""
    return lists.related("complements", product, **options)
