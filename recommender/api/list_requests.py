"""What requests for lists of products may say, as a body and as query parameters."""

from typing import Annotated, Any, Self

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from recommender.api.control_requests import ControlRequest, Exclusion
from recommender.api.fields import (
    ID_PATTERN,
    MAX_QUERY,
    Count,
    EventType,
    Flag,
    Id,
    Label,
    Milliseconds,
    MillisecondsParameter,
    Number,
    OptionalId,
    PathId,
    Picture,
    SearchText,
    SearchTextIfAny,
    Time,
    TimeParameter,
)
from recommender.api.schemas import Strict
from recommender.catalog.values import MAX_ID, MAX_LABEL
from recommender.engine.answer import MAX_COUNT
from recommender.engine.given_history import GivenEvent
from recommender.engine.search import DEFAULT_PERSONAL
from recommender.retrieval.facets import MOST_FACETS, MOST_RANGES

# Of a request: products to start from or events of a session, and what one may weigh.
MOST_SEEDS, MOST_WEIGHT = 100, 1000.0
MOST_SORT_KEYS = 5


class ListRequest(ControlRequest):
    """What every request for a list of products may say; every member is optional."""

    count: Count = 12
    filter: dict[str, Any] | None = None
    fields: list[Label] = []
    explain: Annotated[bool, Field(strict=True)] = False
    trace: Annotated[bool, Field(strict=True)] = False
    timeout_ms: Milliseconds | None = None

    def within(self) -> dict[str, Any]:
        """By field, the value of the segment of products that is asked for; empty for all."""
        return {}

    def size(self) -> int:
        """How many products are asked for."""
        return self.count


class SummaryRequest(Strict):
    """What every request may say for what is no list of products."""

    trace: Annotated[bool, Field(strict=True)] = False
    timeout_ms: Milliseconds | None = None

    def size(self) -> int:
        """How much is asked for, as products are counted in a list."""
        raise NotImplementedError


class RecommendationRequest(ListRequest):
    """What a request for similar or recommended products may say; every member is optional."""

    exclude: Annotated[list[Exclusion], Field(max_length=20)] = ["seen"]
    as_of: Time = None
    repeats: Annotated[
        bool,
        Field(
            strict=True,
            description="Whether what the user buys again is listed when it is due, though "
            "`exclude` leaves it out.",
        ),
    ] = False


class SeedIn(Strict):
    """A product to start from; a weight below 0 is for what is not wanted."""

    id: Id
    weight: Annotated[float, Field(ge=-MOST_WEIGHT, le=MOST_WEIGHT, strict=True)] = 1.0


def seed_of(product: str | SeedIn) -> GivenEvent:
    """A product to start from, as the engine reads it."""
    if isinstance(product, str):
        return GivenEvent(product=product)
    return GivenEvent(product=product.id, weight=product.weight)


class SessionEventIn(Strict):
    """What somebody just did; without a time it is later than the one before it."""

    type: EventType
    product: Id
    value: Number = None
    at: Time = None


_RangeEnd = Annotated[float, Field(strict=True, allow_inf_nan=False)]


def _ascending(ends: list[float]) -> list[float]:
    return sorted(set(ends))


class FacetIn(Strict):
    """A field whose values are counted, and the ends of ranges of its numbers."""

    field: Label
    ranges: Annotated[
        list[_RangeEnd], Field(max_length=MOST_RANGES - 1), AfterValidator(_ascending)
    ] = []


class SearchRequest(ListRequest):
    """What a search may say: a text, a picture, products, or several of them, and more."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in ("q", "picture", "products")]}
    )

    q: SearchTextIfAny = None
    picture: Picture = None
    products: Annotated[
        list[Id | SeedIn],
        Field(
            min_length=1,
            max_length=MOST_SEEDS,
            description="What is found is like these, and unlike those with a weight below 0.",
        ),
    ] = []
    user: OptionalId = None
    personal: Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)] = (
        DEFAULT_PERSONAL
    )
    facets: Annotated[list[Label | FacetIn], Field(max_length=MOST_FACETS)] = []
    sort: Annotated[list[Label], Field(max_length=MOST_SORT_KEYS)] = []
    highlight: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not (self.q or self.picture or self.products):
            raise ValueError("say what to search for: q, picture or products")
        return self


def as_text(description: str, **words: str | int) -> WithJsonSchema:
    """A parameter that is text; one that is left out is no null."""
    return WithJsonSchema({"type": "string", "description": description} | words)


# As ID_PATTERN, of several with commas between.
_OF_IDS = r"[^,\u0000-\u001f\u007f-\u009f]"
_ONE_OF_IDS = rf"{_OF_IDS}*[^\s.,\u0000-\u001f\u007f-\u009f]{_OF_IDS}*"
_OBJECT = Annotated[str | None, as_text("An object, as JSON.", pattern=r"^\s*(\{.*|null\s*)?$")]


class SummaryParameters(Schema):
    """The members of a SummaryRequest as query parameters."""

    trace: Flag = False
    timeout_ms: MillisecondsParameter = None


FilterText = Annotated[str | None, as_text("A filter, as JSON.", pattern=r"^\s*(\{.*|null\s*)?$")]


class PlacementParameters(Schema):
    """The members of a PlacementRequest as query parameters."""

    scenario: Annotated[
        str | None,
        Field(max_length=MAX_LABEL),
        as_text("A placement, whose defaults and rules count.", maxLength=MAX_LABEL),
    ] = None
    scenario_version: Annotated[
        str | None,
        as_text(
            "A version that is not live: its number, or `draft`.",
            pattern="^(draft|[1-9][0-9]{0,8})?$",
        ),
    ] = None
    rules: Flag = True
    consent: Flag = True


class ListParameters(PlacementParameters):
    """The members of a ListRequest as query parameters."""

    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 12
    filter: FilterText = None
    fields: Annotated[str | None, as_text("Names, separated by commas.")] = None
    explain: Flag = False
    trace: Flag = False
    timeout_ms: MillisecondsParameter = None
    boost: Annotated[str | None, as_text("Boosts, as JSON.", pattern=r"^\s*(\[.*)?$")] = None
    promote: _OBJECT = None
    max_per: Annotated[str | None, as_text("An object, as JSON.", pattern=r"^\s*(\{.*)?$")] = None
    rotation: _OBJECT = None
    diversity: Annotated[
        str | None,
        as_text("A number from 0 to 1, or an object as JSON.", pattern=r"^\s*([0-9.]+|\{.*)?$"),
    ] = None
    exploration: Annotated[float, Field(ge=0, le=1)] = 0.0
    min_relevance: Annotated[float, Field(ge=0, le=1)] = 0.0
    exclude_ids: Annotated[
        str | None,
        as_text("Ids, separated by commas.", pattern=rf"^({_ONE_OF_IDS}(,{_ONE_OF_IDS})*)?$"),
    ] = None


class RequestParameters(ListParameters):
    """The members of a RecommendationRequest as query parameters."""

    exclude: Annotated[
        str | None,
        as_text(
            "`seen` (the default), `purchased`, `in_cart`, or `none`; several separated by commas.",
            pattern="^((seen|purchased|in_cart|none)?(,(seen|purchased|in_cart|none)?)*)$",
        ),
    ] = None
    as_of: TimeParameter = None
    repeats: Flag = False


def _some_id(description: str) -> WithJsonSchema:
    return as_text(description, pattern=f"^$|{ID_PATTERN}", maxLength=MAX_ID)


class ExplainRequest(RecommendationRequest):
    """A product, and whose list or like what, with the members of the request for the list."""

    product: Id
    user: OptionalId = None
    seed: OptionalId = None


class ExplainParameters(RequestParameters):
    """The members of an ExplainRequest as query parameters."""

    product: PathId
    user: Annotated[str | None, _some_id("Whose list.")] = None
    seed: Annotated[str | None, _some_id("The product whose similar products are the list.")] = None


class SearchParameters(ListParameters):
    """The members of a SearchRequest as query parameters."""

    q: Annotated[
        str,
        Field(min_length=1, max_length=MAX_QUERY),
        as_text("What is searched for.", minLength=1, maxLength=MAX_QUERY),
    ]
    user: Annotated[
        str | None,
        _some_id("The user whose taste counts, too."),
    ] = None
    personal: Annotated[
        float,
        Field(ge=0, le=1, description="How much the user's taste counts beside the words."),
    ] = DEFAULT_PERSONAL
    facets: Annotated[
        str | None, as_text("Fields whose values are counted, separated by commas.")
    ] = None
    sort: Annotated[
        str | None,
        as_text(
            "Fields to sort by instead of relevance, separated by commas; `-price`: descending."
        ),
    ] = None
    highlight: Flag = False


class SuggestParameters(Schema):
    """A text as far as it is typed."""

    q: Annotated[
        SearchText,
        as_text("What was typed.", minLength=1, maxLength=MAX_QUERY),
    ]
    count: Annotated[int, Field(ge=1, le=20)] = 8
    user: Annotated[str | None, _some_id("The user whose taste counts, too.")] = None
    personal: Annotated[
        float,
        Field(ge=0, le=1, description="How much it counts beside how common and popular they are."),
    ] = DEFAULT_PERSONAL
