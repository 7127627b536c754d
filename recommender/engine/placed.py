"""A placement as one request has it: its name, and what its rules make of the list."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from recommender.engine.recommendation_log import Placed
from recommender.engine.rule_columns import ListRules
from recommender.retrieval.filters import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Placing:
    """A placement at work."""

    placed: Placed
    given: frozenset[str] = frozenset()  # members of the request that are the placement's
    fallback: str | None = None  # the list that fills up a short one
    # By `rules.` and the id of a rule, what every product passes.
    conditions: Mapping[str, Filter] = field(default_factory=dict)
    rules: ListRules | None = None
    degraded: Mapping[str, str] = field(default_factory=dict)  # rules that cannot act, and why
    is_held_out: bool = False  # whether an experiment shows its user no recommendations

    @property
    def filter(self) -> Filter | None:
        """All of the conditions."""
        joined: Filter | None = None
        for condition in self.conditions.values():
            joined = condition & joined
        return joined
