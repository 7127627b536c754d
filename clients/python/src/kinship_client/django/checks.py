"""What is wrong with the settings is said when the project starts."""

from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from kinship_client.django.conf import configuration


@register()
def check_settings(**_: Any) -> list[CheckMessage]:
    """`KINSHIP` is right, and what it names is there."""
    try:
        found = configuration()
        for path in filter(None, (found.consent, found.user_id)):
            import_string(path)
    except (ImproperlyConfigured, ImportError) as exc:
        return [Error(str(exc), id="kinship.E001")]
    return []
