"""What requests may say for similar products, for charts, and from users to segments and back."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from recommender.api import codec
from recommender.api.control_requests import PlacementRequest
from recommender.api.fields import AS_WHOLE, Count, Flag, Label, Path, Token
from recommender.api.list_requests import (
    MOST_WEIGHT,
    FilterText,
    ListParameters,
    ListRequest,
    PlacementParameters,
    RecommendationRequest,
    RequestParameters,
    SummaryParameters,
    SummaryRequest,
    as_text,
)
from recommender.api.schemas import Strict
from recommender.catalog.values import MAX_ID, MAX_LABEL
from recommender.engine.answer import MAX_COUNT
from recommender.ranking.related import Blend


class CategoryRequest(ListRequest):
    """What a list for everybody may say: it may be of one category and all that is below it."""

    category: Path = ""

    def within(self) -> dict[str, Any]:
        return {"category": self.category} if self.category else {}


class PopularRequest(CategoryRequest):
    """The same of what is popular."""

    window: Literal["week", "month", "quarter", "all"] | None = None


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


_ExcludeText = Annotated[
    str | None,
    as_text(
        "`seen` (the default), `purchased`, or `none`; several separated by commas.",
        pattern="^((seen|purchased|none)?(,(seen|purchased|none)?)*)$",
    ),
]


class SegmentsRequest(SummaryRequest):
    """What a request for the segments that a user would like may say; all is optional."""

    by: Token = "category"
    count: Count = 12
    filter: dict[str, Any] | None = None

    def size(self) -> int:
        return self.count


# A page has few rows, and a row few products: each row costs as much as a list.
MOST_ROWS, MOST_IN_A_ROW = 10, 50


class RowsRequest(PlacementRequest, SummaryRequest):
    """What a request for the rows of a page may say; every member is optional."""

    rows: Annotated[int, Field(strict=True, ge=1, le=MOST_ROWS), AS_WHOLE] = 6
    count: Annotated[int, Field(strict=True, ge=1, le=MOST_IN_A_ROW), AS_WHOLE] = 12
    filter: dict[str, Any] | None = None
    fields: list[Label] = []
    explain: Annotated[bool, Field(strict=True)] = False

    def size(self) -> int:
        return self.rows * self.count


class AudienceRequest(SummaryRequest):
    """What a request for the users whom a product would suit may say; every member is optional."""

    count: Count = 12
    exclude: list[Literal["seen", "purchased"]] = ["seen"]

    def size(self) -> int:
        return self.count


class CategoryParameters(ListParameters):
    """The members of a CategoryRequest as query parameters."""

    category: Annotated[
        str | None,
        Field(max_length=MAX_LABEL),
        as_text("A category path; all below it counts.", maxLength=MAX_LABEL),
    ] = None


class PopularParameters(CategoryParameters):
    """The members of a PopularRequest as query parameters."""

    window: Annotated[
        Literal["week", "month", "quarter", "all"] | None,
        as_text(
            "The time that popularity is of; by default the last 30 days, then ever.",
            pattern="^(week|month|quarter|all)$",
        ),
    ] = None


class SegmentsParameters(SummaryParameters):
    """The members of a SegmentsRequest as query parameters."""

    by: Annotated[
        Token,
        as_text("`brand`, `category` or an attribute.", minLength=1, maxLength=MAX_ID),
    ] = "category"
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 12
    filter: FilterText = None


class RowsParameters(PlacementParameters, SummaryParameters):
    """The members of a RowsRequest as query parameters."""

    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 6
    count: Annotated[int, Field(ge=1, le=MOST_IN_A_ROW)] = 12
    filter: FilterText = None
    fields: Annotated[str | None, as_text("Names, separated by commas.")] = None
    explain: Flag = False


class AudienceParameters(SummaryParameters):
    """The members of an AudienceRequest as query parameters."""

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 12
    exclude: _ExcludeText = None


_BLEND = r"(content|behaviour|cooccurrence):([1-9][0-9]{0,2}|0?\.[0-9]{0,5}[1-9])"


class SimilarParameters(RequestParameters):
    """The members of a SimilarRequest as query parameters."""

    blend: Annotated[
        str | None,
        as_text(
            "Weights as `content:1,behaviour:0.5,cooccurrence:0.3`, or as JSON; what training "
            "found is the default.",
            pattern=rf"^({_BLEND}(,{_BLEND})*)?$",
        ),
    ] = None


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
