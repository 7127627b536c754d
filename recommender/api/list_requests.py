"""What requests for lists of products may say, as a body and as query parameters."""

from typing import Annotated, Any, Literal, Self

from ninja import Schema
from pydantic import ConfigDict, Field, WithJsonSchema, model_validator

from recommender.api import codec
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
from recommender.ranking.related import Blend

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


class CategoryRequest(ListRequest):
    """What a list for everybody may say: it may be of one category and all that is below it."""

    category: Path = ""

    def within(self) -> dict[str, Any]:
        return {"category": self.category} if self.category else {}


class PopularRequest(CategoryRequest):
    """The same of what is popular."""

    window: Literal["week", "month", "quarter", "all"] | None = None


class RecommendationRequest(ListRequest):
    """What a request for similar or recommended products may say; every member is optional."""

    exclude: list[Literal["seen", "purchased"]] = ["seen"]
    as_of: Time = None


Weight = Annotated[float, Field(ge=0, le=MOST_WEIGHT, strict=True, allow_inf_nan=False)]


def _above_zero(name: str) -> dict[str, Any]:
    return {"properties": {name: {"exclusiveMinimum": 0}}, "required": [name]}


class BlendIn(Strict):
    """How much each kind of evidence counts for similar products; one must be above 0."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [_above_zero(name) for name in ("content", "behaviour", "cooccurrence")]
        }
    )

    content: Weight = 0.0
    behaviour: Weight = 0.0
    cooccurrence: Weight = 0.0

    @model_validator(mode="after")
    def _counts_something(self) -> Self:
        if not (self.content or self.behaviour or self.cooccurrence):
            raise ValueError("one weight must be above 0: content, behaviour or cooccurrence")
        return self

    def to_blend(self) -> Blend:
        """As the engine has it."""
        return Blend(**self.model_dump())


class SimilarRequest(RecommendationRequest):
    """What a request for similar products may say; every member is optional."""

    blend: BlendIn | None = None


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


def _text(description: str, **words: str | int) -> WithJsonSchema:
    """A parameter that is text; one that is left out is no null."""
    return WithJsonSchema({"type": "string", "description": description} | words)


class ListParameters(Schema):
    """The members of a ListRequest as query parameters."""

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 12
    filter: Annotated[str | None, _text("A filter, as JSON.", pattern=r"^\s*(\{.*|null\s*)?$")] = (
        None
    )
    fields: Annotated[str | None, _text("Names, separated by commas.")] = None
    explain: Flag = False
    trace: Flag = False


class CategoryParameters(ListParameters):
    """The members of a CategoryRequest as query parameters."""

    category: Annotated[
        str | None,
        Field(max_length=MAX_LABEL),
        _text("A category path; all below it counts.", maxLength=MAX_LABEL),
    ] = None


class PopularParameters(CategoryParameters):
    """The members of a PopularRequest as query parameters."""

    window: Annotated[
        Literal["week", "month", "quarter", "all"] | None,
        _text(
            "The time that popularity is of; by default the last 30 days, then ever.",
            pattern="^(week|month|quarter|all)$",
        ),
    ] = None


class RequestParameters(ListParameters):
    """The members of a RecommendationRequest as query parameters."""

    exclude: Annotated[
        str | None,
        _text(
            "`seen` (the default), `purchased`, or `none`; several separated by commas.",
            pattern="^((seen|purchased|none)?(,(seen|purchased|none)?)*)$",
        ),
    ] = None
    as_of: TimeParameter = None


_BLEND = r"(content|behaviour|cooccurrence):([1-9][0-9]{0,2}|0?\.[0-9]{0,5}[1-9])"


class SimilarParameters(RequestParameters):
    """The members of a SimilarRequest as query parameters."""

    blend: Annotated[
        str | None,
        _text(
            "Weights as `content:1,behaviour:0.5,cooccurrence:0.3`, or as JSON; what training "
            "found is the default.",
            pattern=rf"^({_BLEND}(,{_BLEND})*)?$",
        ),
    ] = None


class SearchParameters(ListParameters):
    """The members of a SearchRequest as query parameters."""

    q: Annotated[
        str,
        Field(min_length=1, max_length=MAX_QUERY),
        _text("What is searched for.", minLength=1, maxLength=MAX_QUERY),
    ]
    user: Annotated[
        str | None,
        _text("The user whose taste counts, too.", pattern=f"^$|{ID_PATTERN}", maxLength=MAX_ID),
    ] = None
    personal: Annotated[
        float,
        Field(ge=0, le=1, description="How much the user's taste counts beside the words."),
    ] = DEFAULT_PERSONAL


class SuggestParameters(Schema):
    """A text as far as it is typed."""

    q: Annotated[
        SearchText,
        _text("What was typed.", minLength=1, maxLength=MAX_QUERY),
    ]
    count: Annotated[int, Field(ge=1, le=20)] = 8


def blend_of(text: str) -> Any:
    """The blend that a query parameter writes: JSON, or `name:weight` separated by commas.

    Raises:
        Problem: 400 for JSON that is none.
    """
    if text.lstrip().startswith("{"):
        return codec.decode(text.encode(), "blend")
    pairs = [part.partition(":") for part in text.split(",")]
    return {name.strip(): _number(weight) for name, _, weight in pairs}


def _number(text: str) -> float | str:
    """The number, or where it is none the text, which is refused by its name."""
    try:
        return float(text)
    except ValueError:
        return text
