"""What requests for lists of products may say, as a body and as query parameters."""

from typing import Annotated, Any, Literal, Self

from ninja import Schema
from pydantic import Field, WithJsonSchema, model_validator

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
    SearchText,
    Time,
    TimeParameter,
)
from recommender.api.schemas import Strict
from recommender.catalog.values import MAX_ID
from recommender.engine.answer import MAX_COUNT
from recommender.engine.search import DEFAULT_PERSONAL
from recommender.ranking.related import Blend

# Of a request: products to start from or events of a session, and what one may weigh.
MOST_SEEDS, MOST_WEIGHT = 100, 1000.0


class ListRequest(Strict):
    """What every request for a list of products may say; every member is optional."""

    count: Count = 12
    filter: dict[str, Any] | None = None
    fields: list[Label] = []
    explain: Annotated[bool, Field(strict=True)] = False
    trace: Annotated[bool, Field(strict=True)] = False


class RecommendationRequest(ListRequest):
    """What a request for similar or recommended products may say; every member is optional."""

    exclude: list[Literal["seen", "purchased"]] = ["seen"]
    as_of: Time = None


Weight = Annotated[float, Field(ge=0, le=MOST_WEIGHT, strict=True, allow_inf_nan=False)]


class BlendIn(Strict):
    """How much each kind of evidence counts for similar products; one must be above 0."""

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


class AdHocRequest(RecommendationRequest):
    """What to recommend by: products, what somebody just did, a user; every member is optional."""

    products: Annotated[list[Id | SeedIn], Field(max_length=MOST_SEEDS)] = []
    session: Annotated[list[SessionEventIn], Field(max_length=MOST_SEEDS)] = []
    user: OptionalId = None


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


_BLEND = r"(content|behaviour|cooccurrence):[0-9]{0,4}\.?[0-9]{0,6}"


class SimilarParameters(RequestParameters):
    """The members of a SimilarRequest as query parameters."""

    blend: Annotated[
        str | None,
        _text(
            "Weights as `content:1,behaviour:0.5,cooccurrence:0.3`, or as JSON; what training "
            "found is the default.",
            pattern=rf"^(|{_BLEND}(,{_BLEND})*|\s*\{{.*)$",
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
