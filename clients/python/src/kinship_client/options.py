"""What requests may say, member by member as the service's OpenAPI document has it.

Each is the keyword arguments of a call; docs/api.md of the service says what a member does.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal, NotRequired, Required, TypeAlias, TypedDict

Json: TypeAlias = Mapping[str, Any]
Time: TypeAlias = datetime | date | str | int


class Seed(TypedDict):
    """A product to start from; a weight below 0 is for what is not wanted."""

    id: str
    weight: NotRequired[float]


class SessionEvent(TypedDict):
    """Something that somebody has just done; it is not stored."""

    type: str
    product: str
    value: NotRequired[float | None]
    at: NotRequired[Time | None]


class Event(TypedDict, total=False):
    """What a user did. Without `id` it gets one when it is sent, so that a repeat counts once."""

    id: str
    type: Required[str]
    user: Required[str]
    product: str | None
    at: Time
    quantity: float | None
    value: float | None
    rec_id: str | None
    query: str | None
    consent: bool


class ProductInput(TypedDict, total=False):
    """A product, or changes of one; in one of many it has an `id`."""

    id: str
    title: str | None
    description: str | None
    category: str | None
    brand: str | None
    price: float | Decimal | str | None
    currency: str | None
    in_stock: bool | int | str | None
    image_urls: Sequence[str] | None
    video_urls: Sequence[str] | None
    released_at: Time | None
    attributes: Json | None


class PageOptions(TypedDict, total=False):
    """What a list and a page of several take."""

    scenario: str
    scenario_version: int | Literal["draft"]
    rules: bool
    consent: bool
    count: int
    filter: Json | None
    fields: Sequence[str]
    explain: bool
    trace: bool
    timeout_ms: int


class ListOptions(PageOptions, total=False):
    """What every list takes."""

    boost: Sequence[Json]
    promote: Json | None
    diversity: float | Json | None
    max_per: Mapping[str, int]
    rotation: Json | None
    exploration: float
    min_relevance: float
    exclude_ids: Sequence[str]


class RecommendationOptions(ListOptions, total=False):
    """Of recommendations for a user."""

    exclude: Sequence[str | Json]
    as_of: Time
    repeats: bool


class SimilarOptions(RecommendationOptions, total=False):
    """Of similar products."""

    blend: Mapping[str, float] | None


class AdHocOptions(RecommendationOptions, total=False):
    """Of recommendations for whatever the request tells."""

    products: Sequence[str | Seed]
    session: Sequence[SessionEvent]
    user: str | None
    cart: Sequence[str]
    text: str | None
    category: str | None
    segment: Json


class ChartOptions(ListOptions, total=False):
    """Of lists for everybody."""

    category: str


class PopularOptions(ChartOptions, total=False):
    """Of what is popular."""

    window: Literal["week", "month", "quarter", "all"]


class SearchOptions(ListOptions, total=False):
    """Of a search."""

    picture: str
    products: Sequence[str | Seed]
    user: str | None
    personal: float
    facets: Sequence[str | Json]
    sort: Sequence[str]
    highlight: bool


class SuggestOptions(TypedDict, total=False):
    """Of suggestions."""

    count: int
    user: str
    personal: float


class RowsOptions(PageOptions, total=False):
    """Of the rows of a page."""

    rows: int


class SegmentsOptions(TypedDict, total=False):
    """Of a user's segments."""

    by: str
    count: int
    filter: Json | None
    trace: bool
    timeout_ms: int


class AudienceOptions(TypedDict, total=False):
    """Of a product's audience."""

    count: int
    exclude: Sequence[str]
    trace: bool
    timeout_ms: int


class ExplainOptions(RecommendationOptions, total=False):
    """Of an explanation: whose list, or like which product, and how that list is asked for."""

    user: str
    seed: str
