"""What requests may say of a list beside what it is of: boosts, places, caps, diversity."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, PrivateAttr, Tag

from recommender.api.fields import AS_WHOLE, Count, EventType, Id, Label, OptionalText
from recommender.api.schemas import Strict
from recommender.catalog.values import MAX_LABEL
from recommender.engine import formula
from recommender.engine.placed import Placing
from recommender.engine.rules import Shape

_MOST_BOOSTS, _MOST_CAPS, _MOST_IDS, _MOST_GROUPS = 20, 5, 1000, 5
_LARGEST = 1e9

Share = Annotated[float, Field(ge=0, le=1, strict=True, allow_inf_nan=False)]
# What `durations.seconds` reads, in whole units, and never nothing.
_SPAN = r"^([1-9][0-9]{0,3}[smhdw]|[1-9][0-9]{0,2}y)$"
Span = Annotated[
    str,
    Field(
        strict=True, pattern=_SPAN, description="A span of time such as 90m, 12h, 30d, 2w or 1y."
    ),
]


# Which of several forms a value has: so an error tells of the one that is meant. Errors leave a
# tag in angle brackets out of the place that they name.
def _is_text(value: Any) -> str:
    return "<text>" if isinstance(value, str) else "<number>"


def _is_object(value: Any) -> str:
    return "<object>" if isinstance(value, dict | Strict) else "<plain>"


def _boost_form(value: Any) -> str:
    given = value if isinstance(value, dict) else vars(value) if isinstance(value, Strict) else {}
    return next((f"<{name}>" for name in ("when", "formula") if name in given), "<decay>")


_Distance = Annotated[
    Annotated[float, Field(gt=0, le=_LARGEST, strict=True, allow_inf_nan=False), Tag("<number>")]
    | Annotated[str, Field(min_length=2, max_length=30), Tag("<text>")],
    Discriminator(_is_text),
]


class BoostIn(Strict):
    """Products that pass a filter are so many times as relevant; below 1 less."""

    when: dict[str, Any]
    times: Annotated[float, Field(ge=0, le=1000, strict=True, allow_inf_nan=False)]


class DecayIn(Strict):
    """Relevance falls with the distance of a time, a number or a place from an origin."""

    decay: Annotated[
        str, Field(min_length=1, max_length=MAX_LABEL, strict=True, description="The field.")
    ]
    half_life: Annotated[
        _Distance,
        Field(description="Where half is left: 30d of a time, 10km of a place, 50 of a number."),
    ]
    origin: Annotated[
        float | str | dict[str, float] | None,
        Field(description="A time (now by default), a number, or a place."),
    ] = None
    offset: Annotated[
        _Distance | None, Field(description="Nothing is taken within this distance.")
    ] = None
    shape: Shape = "exp"
    weight: Annotated[Share, Field(description="How much of relevance may be taken.")] = 1.0


class FormulaIn(Strict):
    """Relevance is what a formula makes of `relevance`, `score`, `age_days` and numbers."""

    formula: Annotated[str, Field(min_length=1, max_length=formula.MAX_LENGTH, strict=True)]


class PromoteIn(Strict):
    """This share of the places is for products that pass, as far as there are any."""

    share: Share
    filter: dict[str, Any]


class DiversityIn(Strict):
    """How much being unlike the others counts, and by which fields; by vectors without any."""

    weight: Share
    by: Annotated[list[Label], Field(max_length=_MOST_GROUPS)] = []


class RotationIn(Strict):
    """What the user was shown counts less, by `rate` at once and by nothing after `recover`."""

    rate: Share
    recover: Span


class EventExclusionIn(Strict):
    """What the user had an event of this type with, within this span if one is given."""

    event: Annotated[EventType, Field(min_length=1)]
    within: Span | None = None


Exclusion = Annotated[
    Annotated[Literal["seen", "purchased", "in_cart"], Tag("<plain>")]
    | Annotated[EventExclusionIn, Tag("<object>")],
    Discriminator(_is_object),
]
_BoostForm = Annotated[
    Annotated[BoostIn, Tag("<when>")]
    | Annotated[FormulaIn, Tag("<formula>")]
    | Annotated[DecayIn, Tag("<decay>")],
    Discriminator(_boost_form),
]


class PlacementRequest(Strict):
    """Members of a request that name the placement whose list it is."""

    scenario: Annotated[
        OptionalText,
        Field(
            description="A placement: its defaults stand where the request says nothing, and its "
            "rules make the list.",
        ),
    ] = None
    scenario_version: Annotated[
        Literal["draft"] | Annotated[int, Field(strict=True, ge=1, lt=2**31), AS_WHOLE] | None,
        Field(description="One that is not live: a number, or `draft` with a server key."),
    ] = None
    rules: Annotated[
        bool,
        Field(
            strict=True,
            description="Whether the placement's rules act; only a server key may say no.",
        ),
    ] = True
    consent: Annotated[
        bool,
        Field(
            strict=True,
            description="Whether the user allows to be known: if not, what is stored of them does "
            "not count, and nothing of the request or its list is stored.",
        ),
    ] = True
    _placing: Placing | None = PrivateAttr(default=None)

    @property
    def placing(self) -> Placing | None:
        """The placement, once it was found."""
        return self._placing

    def placed(self, placing: Placing, members: Mapping[str, Any]) -> Self:
        """A copy that has these members of a placement."""
        copy = self.model_copy(update=dict(members))
        copy._placing = placing
        return copy

    def as_asked(self) -> str:
        """As JSON, without what the placement gives: so it can be asked again."""
        given = self._placing.given if self._placing else frozenset()
        return self.model_dump_json(exclude_unset=True, exclude=set(given))


class ControlRequest(PlacementRequest):
    """Members of every request for a list that say how it is made; all are optional."""

    boost: Annotated[
        list[_BoostForm],
        Field(
            max_length=_MOST_BOOSTS, description="What changes relevance: factors, then formulas."
        ),
    ] = []
    promote: PromoteIn | None = None
    diversity: Annotated[
        Annotated[Share, Tag("<plain>")] | Annotated[DiversityIn, Tag("<object>")],
        Discriminator(_is_object),
    ] = 0.0
    max_per: Annotated[
        dict[str, Count],
        Field(
            max_length=_MOST_CAPS,
            description="By field, how many products of one value there may be.",
        ),
    ] = {}
    rotation: RotationIn | None = None
    exploration: Annotated[
        Share, Field(description="Share of the places for new products that few have seen.")
    ] = 0.0
    min_relevance: Annotated[
        Share, Field(description="Products less relevant than this are left out; 1 is the best.")
    ] = 0.0
    exclude_ids: Annotated[list[Id], Field(max_length=_MOST_IDS)] = []
