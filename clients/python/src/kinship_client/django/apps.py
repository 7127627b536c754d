"""The app."""

from django.apps import AppConfig


class KinshipConfig(AppConfig):
    """`INSTALLED_APPS += ["kinship_client.django"]`."""

    name = "kinship_client.django"
    label = "kinship"
    verbose_name = "Kinship"

    def ready(self) -> None:
        """Check the settings at start, and listen for who signs in."""
        from kinship_client.django import checks, signing_in  # noqa: F401, PLC0415 - both register
