"""What an event must be, the same for the API and for files."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

# Clocks differ; an event further ahead than this is a mistake.
_TOLERANCE = timedelta(days=1)
WITHOUT_PRODUCT = "search"


def refusal(
    *,
    type: str,  # noqa: A002 - the field's name
    product: str | None,
    at: datetime,
    quantity: float | None,
    value: float | None,
    oldest: timedelta | None = None,
) -> tuple[str, str] | None:
    """The field that an event cannot be taken with, and why; None where it can.

    Args:
        oldest: how long ago it may have happened; settings.OLDEST_EVENT where not given.
    """
    now = datetime.now(UTC)
    age = settings.OLDEST_EVENT if oldest is None else oldest
    if product is None and type != WITHOUT_PRODUCT:
        return "product", "is missing; only a search has none"
    if at > now + _TOLERANCE:
        return "at", "is in the future"
    if now - at > age:
        return "at", f"is more than {_days(age)} ago, which is as old as an event may be here"
    if quantity is not None and quantity <= 0:
        return "quantity", "is 0 or less: cancelled or returned"
    if type == "purchase" and value is not None and value < 0:
        return "value", "is negative: cancelled or returned"
    return None


def _days(age: timedelta) -> str:
    days = age / timedelta(days=1)
    return "1 day" if days == 1 else f"{days:,.4g} days" if days < 1 else f"{days:,.0f} days"
