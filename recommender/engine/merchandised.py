"""A merchandiser's rules, compiled for one request: conditions, boosts, caps and pins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from recommender.engine.merchandising import Action, MerchandiserRule
from recommender.engine.rule_columns import Column, ListRules, Reads
from recommender.engine.rule_parsing import RuleContext, RuleParser
from recommender.engine.rules import Acted, Pin, Rules
from recommender.retrieval.filters import Filter, FilterError

# As `degraded`: the rule speaks of something that the catalog has no more.
NOT_UNDERSTOOD = "not_understood"


@dataclass(frozen=True, slots=True)
class Merchandised:
    """What rules make of a list; `degraded` are those that cannot act."""

    conditions: Mapping[str, Filter] = field(default_factory=dict)
    rules: ListRules | None = None
    degraded: Mapping[str, str] = field(default_factory=dict)


def compiled(
    rules: Sequence[MerchandiserRule], context: RuleContext, named: Collection[str] = ()
) -> Merchandised:
    """The rules as the engine reads them, in their order.

    A rule that names a field which is not declared any more is left out, and told.

    Args:
        named: ids of products that the request is about, which are not pinned.
    """
    compiler = _Compiler(context)
    for place, rule in enumerate(rules):
        try:
            compiler.add(rule, f"placement_{place}", named)
        except FilterError:
            compiler.degraded[_name(rule)] = NOT_UNDERSTOOD
    return compiler.made()


def check(rule: MerchandiserRule, context: RuleContext, where: str) -> None:
    """See that a rule can be compiled.

    Raises:
        FilterError: it names a field that there is not, or a value of another type.
    """
    _Compiler(context).add(rule, where, ())


def _name(rule: MerchandiserRule) -> str:
    return f"rules.{rule.id}"


class _Compiler:
    def __init__(self, context: RuleContext) -> None:
        self._context = context
        self._parser = RuleParser(context, "placement_cap")
        self._boosts: list[tuple[float, Acted, Filter]] = []
        self._caps: list[tuple[int, Column]] = []
        self._pins: list[Pin] = []
        self._conditions: dict[str, Filter] = {}
        self.degraded: dict[str, str] = {}

    def add(self, rule: MerchandiserRule, where: str, named: Collection[str]) -> None:
        acted = Acted(rule.id, rule.name, rule.action)
        target = rule.target()
        if rule.action is Action.PIN:
            if rule.product not in named:
                self._pins.append(Pin(rule.product, rule.place, acted))
        elif rule.action is Action.CAP:
            self._caps.append((rule.at_most, self._parser.group(rule.by, f"{where}.by")))
        elif rule.action is Action.HIDE:
            self._conditions[_name(rule)] = self._context.parse_filter({"not": target}, where)
        elif rule.action is Action.ONLY_FROM:
            self._conditions[_name(rule)] = self._context.parse_filter(target, where)
        else:
            self._boosts.append((rule.times, acted, self._context.parse_filter(target, where)))

    def made(self) -> Merchandised:
        rules = Rules(
            boosts=tuple(times for times, _, _ in self._boosts),
            boosted_by=tuple(acted for _, acted, _ in self._boosts),
            caps=tuple(most for most, _ in self._caps),
            pins=tuple(self._pins),
        )
        reads = Reads(
            boosted=tuple(passes for _, _, passes in self._boosts),
            groups=tuple(column for _, column in self._caps),
        )
        listed = None if rules == Rules() else ListRules(rules, reads)
        return Merchandised(self._conditions, listed, self.degraded)
