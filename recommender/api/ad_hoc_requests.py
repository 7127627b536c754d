"""What a request for recommendations may say of what to recommend by."""

from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from recommender.api.fields import Id, OptionalId, OptionalText, Path
from recommender.api.list_requests import (
    MOST_SEEDS,
    RecommendationRequest,
    SeedIn,
    SessionEventIn,
)
from recommender.catalog.values import MAX_LABEL

# How many fields may narrow a segment.
MOST_SEGMENTS = 5

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
