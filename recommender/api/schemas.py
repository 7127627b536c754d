"""The shapes of requests."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, field_validator

from recommender.engine.answer import MAX_COUNT

# The price column is numeric(14, 4); what rounds to 10¹⁰ is too much for it.
_TOO_EXPENSIVE = 10**10 - 0.00005


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds the character U+0000; leave it out")
    return text


def _in_utc(time: datetime) -> datetime:
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as exc:
        raise ValueError("is outside the years 1 to 9999") from exc


Id = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_no_nul)]
Text = Annotated[str, Field(max_length=100_000), AfterValidator(_no_nul)]
# What an index holds: its bytes must fit a third of a page.
Label = Annotated[str, Field(max_length=600), AfterValidator(_no_nul)]
Url = Annotated[str, Field(max_length=2_000, pattern=r"^https?://"), AfterValidator(_no_nul)]
Time = Annotated[datetime, AfterValidator(_in_utc)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Strict(Schema):
    """An unknown member is an error; ids that come as numbers are taken as text."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class ProductIn(Strict):
    """A product; what is left out is empty."""

    id: Id | None = None
    title: Text = ""
    description: Text = ""
    category: Label = ""
    brand: Label = ""
    price: Annotated[Number, Field(ge=0, lt=_TOO_EXPENSIVE)] | None = None
    currency: Annotated[str, Field(pattern=r"^([A-Z]{3})?$")] = ""
    in_stock: bool = True
    image_urls: Annotated[list[Url], Field(max_length=50)] = []
    video_urls: Annotated[list[Url], Field(max_length=50)] = []
    attributes: Annotated[dict[str, Any], Field(max_length=200)] = {}
    released_at: Time | None = None

    @field_validator("category")
    @classmethod
    def _path(cls, value: str) -> str:
        return "/".join(part.strip() for part in value.split("/") if part.strip())


class UserIn(Strict):
    """A user's attributes."""

    attributes: Annotated[dict[str, Any], Field(max_length=200)] = {}


class EventIn(Strict):
    """What a user did."""

    id: Id | None = None
    type: str
    user: Id
    product: Id | None = None
    at: Time = Field(default_factory=lambda: datetime.now(UTC))
    quantity: Number | None = None
    value: Number | None = None
    rec_id: UUID | None = None


class RecommendationRequest(Strict):
    """What a request for products may say; every member is optional."""

    count: Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT)] = 12
    filter: dict[str, Any] | None = None
    fields: list[Label] = []
    exclude: list[Literal["seen", "purchased"]] = ["seen"]
    as_of: Time | None = None
    explain: bool = False
