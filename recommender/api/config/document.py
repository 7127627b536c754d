"""The document: what a file, or a body, says of catalogs and of periodic tasks.

A setting that is left out stays as it is; a placement, a key or a feed is said whole: what it
leaves out has its default.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from recommender import durations
from recommender.api.fields import AS_WHOLE, EventType, Time, Token
from recommender.api.placement_requests import NAME, PlacementIn
from recommender.api.schemas import Strict
from recommender.catalog.keys import KeyLimits
from recommender.catalog.values import MAX_NAME
from recommender.models.feed import MAX_URL

_MOST_NAMES, _MOST_GROUPS = 200, 5_000
_LARGEST = 2**31 - 1

_Float = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Whole = Annotated[int, Field(strict=True, ge=0, le=_LARGEST), AS_WHOLE]
_Flag = Annotated[bool, Field(strict=True)]
# PostgreSQL keeps no NUL in a text.
_Word = Annotated[str, Field(strict=True, min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00]+$")]
_Words = Annotated[list[_Word], Field(max_length=_MOST_NAMES)]
_Label = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")]
_Kind = Literal["string", "number", "boolean", "strings", "time", "geo"]


def _unsaid(**words: Any) -> Any:
    """A member that may be left out, though not be null; the schema tells no default."""
    return Field(default_factory=lambda: None, **words)


class SettingsIn(Strict):
    """Settings of a catalog, as the admin has them."""

    model: _Word = _unsaid(description="Of a new catalog's text space; it cannot change here.")
    dimension: _Whole = _unsaid(description="Of its vectors; the same.")
    clock: Literal["now", "last_event"] = _unsaid()
    language: Annotated[str, Field(strict=True, max_length=63)] = _unsaid(
        description="Empty: recognised from the products' texts."
    )
    half_life_days: _Float = _unsaid()
    rating_scale: Annotated[list[_Float], Field(min_length=2, max_length=2)] = _unsaid(
        description="The worst and the best rating."
    )
    monthly_budget: Annotated[
        Annotated[_Float, Field(ge=0)] | None, Field(description="US dollars; null: no limit.")
    ] = None
    public_attributes: _Words = _unsaid()
    browser_event_types: _Words = _unsaid()
    exclude_bots: _Flag = _unsaid()
    in_shop: _Flag = _unsaid()
    log_share: _Float = _unsaid()
    log_days: _Whole = _unsaid()
    impressions_by: Literal["event", "answer"] = _unsaid()
    touch_hours: _Whole = _unsaid()


class SynonymsIn(Strict):
    """Words that stand for one another, or for a meaning."""

    words: Annotated[list[Token], Field(max_length=_MOST_NAMES)]
    meaning: Annotated[list[Token], Field(max_length=_MOST_NAMES)] = _unsaid()


class KeyIn(Strict):
    """A key of this name; its secret is made, and told once, when it is new."""

    scope: Literal["server", "browser", "search", "embed", "insight", "admin", "token"]
    origins: _Words = _unsaid()
    placements: _Words = _unsaid()
    fields: _Words = _unsaid()
    requests_per_minute: _Whole | None = None
    address_per_minute: _Whole | None = None
    requests_per_day: _Whole | None = None
    expires_at: Time = None

    def limits(self) -> KeyLimits:
        """Its bounds, as they are stored."""
        return KeyLimits(
            origins=self.origins or [],
            placements=self.placements or [],
            fields=self.fields or [],
            requests_per_minute=self.requests_per_minute,
            address_per_minute=self.address_per_minute,
            requests_per_day=self.requests_per_day,
            expires_at=self.expires_at,
        )


class FeedIn(Strict):
    """Where products come from, and when."""

    url: Annotated[str, Field(strict=True, max_length=MAX_URL)]
    format: _Word = "auto"
    options: Annotated[str, Field(strict=True, max_length=2_000, pattern=r"^[^\x00]*$")] = ""
    replace: _Flag = True
    every_hours: _Whole | None = None
    daily_at: Annotated[
        str | None,
        Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="In UTC, as 04:30."),
    ] = None
    is_enabled: _Flag = True


class CatalogIn(Strict):
    """All that can be said of a catalog; what is left out stays as it is."""

    settings: SettingsIn | None = None
    attributes: dict[_Word, _Kind] = _unsaid(
        max_length=10_000, description="Types of attributes, whatever they were."
    )
    event_weights: dict[EventType, _Float] = _unsaid(max_length=100)
    synonyms: Annotated[list[SynonymsIn], Field(max_length=_MOST_GROUPS)] = _unsaid()
    placements: dict[Annotated[str, Field(pattern=NAME)], PlacementIn] = _unsaid(
        max_length=_MOST_NAMES, description="Published where what serves is another."
    )
    keys: dict[_Label, KeyIn] = _unsaid(max_length=_MOST_NAMES)
    feed: FeedIn | None = None


class ScheduleIn(Strict):
    """When a periodic task of this name runs."""

    every: Annotated[str, Field(pattern=durations.PATTERN)] = _unsaid()
    cron: Annotated[str, Field(strict=True, max_length=200)] = _unsaid(
        description="Minute, hour, day of month, month, day of week."
    )
    timezone: Annotated[str, Field(strict=True, max_length=63)] = "UTC"
    is_enabled: _Flag = True


class ConfigIn(Strict):
    """A file: catalogs by name, and when the installation's periodic tasks run."""

    catalogs: dict[Annotated[str, Field(min_length=1, max_length=63)], CatalogIn] = _unsaid()
    schedules: dict[_Label, ScheduleIn] = _unsaid()
