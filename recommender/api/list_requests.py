"""What requests for lists of products may say, as a body and as query parameters."""

from typing import Annotated, Any, Literal, Self

from ninja import Schema
from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from recommender.api.fields import (
    ID_PATTERN,
    MAX_QUERY,
    Count,
    EventType,
    Flag,
    Id,
    Label,
    Number,
    OptionalId,
    OptionalText,
    Path,
    SearchText,
    Time,
    TimeParameter,
)
from recommender.api.schemas import Strict
from recommender.catalog.values import MAX_ID, MAX_LABEL
from recommender.engine.answer import MAX_COUNT
from recommender.engine.search import DEFAULT_PERSONAL

# Of a request: products to start from or events of a session, and what one may weigh.
MOST_SEEDS, MOST_WEIGHT = 100, 1000.0
# How many fields may narrow a segment.
MOST_SEGMENTS = 5


class ListRequest(Strict):
    """What every request for a list of products may say; every member is optional."""

    count: Count = 12
    filter: dict[str, Any] | None = None
    fields: list[Label] = []
    explain: Annotated[bool, Field(strict=True)] = False
    trace: Annotated[bool, Field(strict=True)] = False

    def within(self) -> dict[str, Any]:
        """By field, the value of the segment of products that is asked for; empty for all."""
        return {}


class RecommendationRequest(ListRequest):
    """What a request for similar or recommended products may say; every member is optional."""

    exclude: list[Literal["seen", "purchased"]] = ["seen"]
    as_of: Time = None


class SeedIn(Strict):
    """A product to start from; a weight below 0 is for what is not wanted."""

    id: Id
    weight: Annotated[float, Field(ge=-MOST_WEIGHT, le=MOST_WEIGHT, strict=True)] = 1.0


class SessionEventIn(Strict):
    """What somebody just did; without a time it is later than the one before it."""

    type: EventType
    product: Id
    value: Number = None
    at: Time = None


# Of a field or an attribute; of a category, all that is below it.
SegmentValue = Annotated[str, Field(max_length=MAX_LABEL)] | bool | Annotated[
    float, Field(allow_inf_nan=False)
]  # fmt: skip
Segment = Annotated[dict[str, SegmentValue], Field(max_length=MOST_SEGMENTS)]


# A cart goes with none of what tells a taste.
_EMPTY: dict[str, Any] = {"maxItems": 0}
_CART_ALONE: dict[str, Any] = {
    "anyOf": [
        {"properties": {"cart": _EMPTY}},
        {"properties": {"products": _EMPTY, "session": _EMPTY, "text": {"type": "null"}}},
    ]
}


class AdHocRequest(RecommendationRequest):
    """What to recommend by; every member is optional."""

    model_config = ConfigDict(json_schema_extra=_CART_ALONE)

    products: Annotated[list[Id | SeedIn], Field(max_length=MOST_SEEDS)] = []
    session: Annotated[list[SessionEventIn], Field(max_length=MOST_SEEDS)] = []
    user: OptionalId = None
    cart: Annotated[list[Id], Field(max_length=MOST_SEEDS)] = []
    text: OptionalText = None
    category: Path = ""
    segment: Segment = {}

    @model_validator(mode="after")
    def _cart_alone(self) -> Self:
        if self.cart and (self.products or self.session or self.text):
            raise ValueError("a cart goes with a user alone: leave out products, session and text")
        return self

    def within(self) -> dict[str, Any]:
        of_category = {"category": self.category} if self.category else {}
        return {**self.segment, **of_category}


class SearchRequest(ListRequest):
    """What a search may say; only the text is not optional."""

    q: SearchText
    user: OptionalId = None
    personal: Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)] = (
        DEFAULT_PERSONAL
    )


def text_parameter(description: str, **words: str | int) -> WithJsonSchema:
    """A parameter that is text; one that is left out is no null."""
    return WithJsonSchema({"type": "string", "description": description} | words)


FilterText = Annotated[
    str | None, text_parameter("A filter, as JSON.", pattern=r"^\s*(\{.*|null\s*)?$")
]
ExcludeText = Annotated[
    str | None,
    text_parameter(
        "`seen` (the default), `purchased`, or `none`; several separated by commas.",
        pattern="^((seen|purchased|none)?(,(seen|purchased|none)?)*)$",
    ),
]


class ListParameters(Schema):
    """The members of a ListRequest as query parameters."""

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 12
    filter: FilterText = None
    fields: Annotated[str | None, text_parameter("Names, separated by commas.")] = None
    explain: Flag = False
    trace: Flag = False


class RequestParameters(ListParameters):
    """The members of a RecommendationRequest as query parameters."""

    exclude: ExcludeText = None
    as_of: TimeParameter = None


class SearchParameters(ListParameters):
    """The members of a SearchRequest as query parameters."""

    q: Annotated[
        str,
        Field(min_length=1, max_length=MAX_QUERY),
        text_parameter("What is searched for.", minLength=1, maxLength=MAX_QUERY),
    ]
    user: Annotated[
        str | None,
        text_parameter(
            "The user whose taste counts, too.", pattern=f"^$|{ID_PATTERN}", maxLength=MAX_ID
        ),
    ] = None
    personal: Annotated[
        float,
        Field(ge=0, le=1, description="How much the user's taste counts beside the words."),
    ] = DEFAULT_PERSONAL


class SuggestParameters(Schema):
    """A text as far as it is typed."""

    q: Annotated[
        SearchText,
        text_parameter("What was typed.", minLength=1, maxLength=MAX_QUERY),
    ]
    count: Annotated[int, Field(ge=1, le=20)] = 8
