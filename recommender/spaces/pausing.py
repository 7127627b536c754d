"""A space whose embedding is paused says so and why, until something of it is embedded again."""

from django.db.models.functions import Now

from recommender.models import Space


def pause(space: Space, reason: str) -> None:
    """Say that embedding stopped and why; the time stays that of the first such reason."""
    paused = Space.objects.filter(pk=space.pk).exclude(paused_reason=reason)
    paused.update(paused_reason=reason, paused_at=Now())


def resume(space: Space) -> None:
    """Take back that embedding stopped."""
    Space.objects.filter(pk=space.pk).exclude(paused_reason="").update(
        paused_reason="", paused_at=None
    )
