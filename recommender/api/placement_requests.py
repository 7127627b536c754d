"""What a placement may say: defaults of a request, what fills it up, a merchandiser's rules."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_serializer

from recommender.api.fields import AS_WHOLE, Count, Id, Label, OptionalId, SearchText, Time, Token
from recommender.api.schemas import Strict
from recommender.engine.backfill import POPULAR, TRENDING
from recommender.engine.merchandising import Action, Users

MOST_RULES, MOST_PRODUCTS, MOST_WORDS, MOST_CONDITIONS = 100, 100, 10, 10
# A word for addresses and code.
NAME = r"^[a-z0-9][a-z0-9._-]{0,99}$"
# Lists that need to know nothing may fill up another.
FALLBACKS = (POPULAR, TRENDING, "new")

# By action, the members that it takes beside those of every rule; one of a tuple is needed.
_TAKES: Mapping[Action, tuple[tuple[str, ...], ...]] = {
    Action.PIN: (("product",), ("place",)),
    Action.BOOST: (("products", "filter"), ("times",)),
    Action.BURY: (("products", "filter"), ("times",)),
    Action.HIDE: (("products", "filter"),),
    Action.ONLY_FROM: (("products", "filter"),),
    Action.CAP: (("by",), ("at_most",)),
}
_OWN = ("product", "place", "products", "filter", "times", "by", "at_most")

_Value = str | bool | Annotated[float, Field(allow_inf_nan=False)]


class AudienceIn(Strict):
    """Whom a rule is for; all that is said must hold."""

    users: Annotated[
        Users | None,
        Field(description="`new`: without any event; `known`: named by the shop's server."),
    ] = None
    attributes: Annotated[
        dict[str, _Value | list[_Value]],
        Field(
            max_length=MOST_CONDITIONS,
            description="Of the user; of a list of values, any.",
        ),
    ] = {}


class RuleIn(Strict):
    """A merchandiser's rule."""

    model_config = ConfigDict(populate_by_name=True)

    id: Annotated[Token, Field(description="As answers name it; `rule-1` by its place.")] = ""
    name: Label = ""
    action: Action
    priority: Annotated[int, Field(strict=True, ge=0, le=1000), AS_WHOLE] = 0
    product: Annotated[OptionalId, Field(description="To pin.")] = None
    place: Annotated[Count | None, Field(description="Where it is pinned, from 1.")] = None
    products: Annotated[
        list[Id], Field(max_length=MOST_PRODUCTS, description="That the rule is about.")
    ] = []
    filter: Annotated[dict[str, Any] | None, Field(description="The same, by what they have.")] = (
        None
    )
    times: Annotated[
        Annotated[float, Field(ge=0, le=1000, strict=True, allow_inf_nan=False)] | None,
        Field(description="So many times as relevant: above 1 of a boost, below 1 of a bury."),
    ] = None
    by: Annotated[Label, Field(description="Of a cap: a field, of whose equal values …")] = ""
    at_most: Annotated[Count | None, Field(description="… there may be so many.")] = None
    words: Annotated[
        list[SearchText],
        Field(max_length=MOST_WORDS, description="Of a search: those that it must have."),
    ] = []
    from_: Annotated[Time, Field(alias="from", description="Acts from then on.")] = None
    until: Annotated[Time, Field(description="Acts before then.")] = None
    audience: AudienceIn | None = None

    def faults(self) -> Iterator[str]:
        """What is wrong with it beside its members."""
        takes = _TAKES[self.action]
        for names in takes:
            if names != ("times",) and not any(getattr(self, name) for name in names):
                yield f"{self.action} needs {' or '.join(names)}"
        known = {name for names in takes for name in names}
        yield from (
            f"{self.action} takes no {name}"
            for name in _OWN
            if getattr(self, name) and name not in known
        )
        if self.from_ is not None and self.until is not None and self.until <= self.from_:
            yield "until must be after from"
        is_upwards = self.times is not None and self.times > 1
        is_downwards = self.times is not None and self.times < 1
        if (self.action is Action.BOOST and is_downwards) or (
            self.action is Action.BURY and is_upwards
        ):
            yield "times is above 1 of a boost, and below 1 of a bury"

    @field_serializer("from_", "until")
    def _in_iso(self, at: datetime | None) -> str | None:
        return None if at is None else at.isoformat()


# What relevance is multiplied by where nobody says.
_TIMES = {Action.BOOST: 2.0, Action.BURY: 0.3}


class PlacementIn(Strict):
    """A placement's draft."""

    operation: Annotated[Token, Field(description="The list that it is for, as in a batch.")]
    defaults: Annotated[
        dict[str, Any], Field(description="Members of a request for that list.")
    ] = {}
    fallback: Annotated[
        Literal["popular", "trending", "new"] | None,
        Field(description="The list that fills up one that is short."),
    ] = None
    rules: Annotated[list[RuleIn], Field(max_length=MOST_RULES)] = []

    def document(self) -> dict[str, Any]:
        """As it is stored: without what says nothing."""
        return {
            "operation": self.operation,
            "defaults": self.defaults,
            "fallback": self.fallback,
            "rules": [_rule(rule, place) for place, rule in enumerate(self.rules, start=1)],
        }


def _rule(rule: RuleIn, place: int) -> dict[str, Any]:
    said = rule.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if rule.action in _TIMES:
        said["times"] = _TIMES[rule.action] if rule.times is None else rule.times
    said = {name: value for name, value in said.items() if value is not None}
    return {**said, "id": rule.id or f"rule-{place}"}
