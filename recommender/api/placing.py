"""From the placement that a request names to the request that it becomes, and to its rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Literal, TypeVar

from cachetools import TTLCache
from pydantic import ValidationError

from recommender.api import queries, user_tokens, variants
from recommender.api.auth import ApiRequest, Caller, check_placement
from recommender.api.control_requests import PlacementRequest
from recommender.api.list_requests import SeedIn
from recommender.api.problems import Problem
from recommender.catalog import placements
from recommender.engine import merchandised, merchandising
from recommender.engine.merchandising import NOBODY, MerchandiserRule, Visitor
from recommender.engine.placed import Placing
from recommender.engine.recommendation_log import Placed
from recommender.models import Placement, PlacementVersion, User
from recommender.retrieval.filter_context import FilterContext

Asked = TypeVar("Asked", bound=PlacementRequest)

# What is published counts everywhere within so long, as what is changed of a key does.
_REMEMBERED_SECONDS = 0.5
_MOST_REMEMBERED = 2_000

# What each request says for itself.
OF_A_REQUEST = frozenset(PlacementRequest.model_fields) | {
    *("q", "picture", "products", "user", "session", "cart", "text", "as_of", "trace"),
}
# The operation of the rows of a page, whose placement their further pages may name, too.
ROWS = "rows"
# Without these no request of the kind is right.
_NEEDED: Mapping[str, Mapping[str, Any]] = {"search": {"q": "anything"}}

Version = int | Literal["draft"] | None


@dataclass(frozen=True, slots=True)
class Of:
    """The list that is asked for: its name, the schema of its requests, and what it is of."""

    operation: str
    schema: type[PlacementRequest]
    product: str | None = None
    user: str | None = None

    def user_in(self, ask: PlacementRequest) -> str | None:
        """Whom the list is made for: whom its address names, or else its request.

        None of somebody who does not allow to be known.
        """
        if not ask.consent:
            return None
        return self.user or getattr(ask, "user", None)


@dataclass(frozen=True, slots=True)
class _Served:
    """A version of a placement, read."""

    placed: Placed
    members: Mapping[str, Any]  # of a request, as its schema has them
    fallback: str | None
    rules: tuple[MerchandiserRule, ...]
    degraded: Mapping[str, str]


_remembered: TTLCache[tuple[int, str, str, Version], _Served] = TTLCache(
    _MOST_REMEMBERED, _REMEMBERED_SECONDS
)
_lock = Lock()


def place(request: ApiRequest, of: Of, ask: Asked) -> Asked:
    """The request with the defaults and rules of the placement that it names, if it names one, and
    as the variant of an experiment has it, where its user is in one.

    Raises:
        Problem: 400 for a placement that there is not or that is of another list, 403 for what a
            browser key may not say.
    """
    check_placement(request.auth, ask.scenario)
    if ask.scenario is None and ask.scenario_version is not None:
        raise _wrong("unknown-placement", "scenario_version needs a scenario.")
    placed = ask if ask.scenario is None else _placed(request, of, ask, ask.scenario)
    return placed if ask.scenario_version == "draft" else _varied(request, of, ask, placed)


def _varied(request: ApiRequest, of: Of, ask: Asked, placed: Asked) -> Asked:
    """The request as the variant of an experiment has it, where its user is in one.

    What the request says for itself stands; what a variant sets stands over its placement.
    """
    unit = of.user_in(ask)
    found = variants.assigned(request.auth.catalog, ask.scenario, of.operation, unit)
    if found is None:
        return placed
    placing = placed.placing or Placing(placed=Placed())
    overrides = variants.members_of(found, of.schema.model_fields)
    members: Mapping[str, Any] = {}
    degraded = {}
    try:
        members = checked(of.operation, of.schema, overrides)
    except ValidationError:
        degraded["experiment"] = merchandised.NOT_UNDERSTOOD
    members = {name: members[name] for name in members.keys() - ask.model_fields_set}
    varied = replace(
        placing,
        placed=replace(placing.placed, variant=found.label),
        given=placing.given | members.keys(),
        is_held_out=found.variant.holdout,
        degraded={**placing.degraded, **degraded},
    )
    return placed.placed(varied, members)


def _placed(request: ApiRequest, of: Of, ask: Asked, scenario: str) -> Asked:
    """The request with what its placement gives; raises as `place`."""
    _check_scope(request.auth, ask)
    served = _served(request.auth, of, scenario, ask.scenario_version)
    own = ask.model_fields_set
    members = {name: value for name, value in served.members.items() if name not in own}
    placing = Placing(
        placed=served.placed,
        given=frozenset(members),
        fallback=served.fallback,
        degraded=served.degraded,
    )
    # The pages after go on by the same version, whatever is published meanwhile.
    pinned = {"scenario_version": served.placed.version or "draft"}
    merged = ask.placed(placing, {**members, **pinned})
    if not ask.rules or not served.rules:
        return merged
    return merged.placed(_ruled(request, placing, served.rules, merged, of), {})


def _check_scope(caller: Caller, ask: PlacementRequest) -> None:
    if caller.is_public and (ask.scenario_version == "draft" or not ask.rules):
        detail = "A browser key has what is published, by its rules: this needs a server key."
        raise Problem(403, "needs-server-key", detail)


def _wrong(kind: str, message: str) -> Problem:
    return Problem(400, kind, message, errors=[{"where": "scenario", "message": message}])


def _served(caller: Caller, of: Of, name: str, version: Version) -> _Served:
    """The version of a placement, remembered for a moment.

    Raises:
        Problem: 400 where there is none, or it is of another list.
    """
    key = (caller.catalog.pk, of.operation, name, version)
    with _lock:
        remembered = _remembered.get(key)
    if remembered is None:
        remembered = _read(of, *_found(caller, name, version))
        with _lock:
            _remembered[key] = remembered
    return remembered


def _found(caller: Caller, name: str, version: Version) -> tuple[Placed, Mapping[str, Any]]:
    """What is stored of a version.

    Raises:
        Problem: 400, naming the placements that the caller may name.
    """
    catalog = caller.catalog
    found: Placement | PlacementVersion | None
    if version == "draft":
        found = placements.find(catalog, name)
        if found is not None:
            return Placed(name, None), found.draft
    else:
        found = placements.served(catalog.pk, name, version)
        if found is not None:
            return Placed(name, found.number), found.document
    names = placements.names(catalog.pk, published=caller.is_public)
    known = ", ".join(names) or "none"
    if name in names and version is None:
        message = f"The placement {name!r} is not published yet; its draft is not live."
    elif name in names:
        message = f"The placement {name!r} has no version {version}."
    else:
        message = f"There is no placement {name!r}; there are: {known}."
    raise _wrong("unknown-placement", message)


def _read(of: Of, placed: Placed, document: Mapping[str, Any]) -> _Served:
    operation, defaults = document["operation"], document["defaults"]
    if operation == ROWS:
        # The rows of a page go on as lists of their own.
        defaults = {name: defaults[name] for name in defaults if name in of.schema.model_fields}
    elif operation != of.operation:
        message = f"The placement {placed.name!r} is of {operation!r}, not of {of.operation!r}."
        raise _wrong("other-operation", message)
    members: Mapping[str, Any] = {}
    degraded = {}
    try:
        members = checked(of.operation, of.schema, defaults)
    except ValidationError:
        # An earlier release of this service took them.
        degraded["scenario"] = merchandised.NOT_UNDERSTOOD
    return _Served(
        placed=placed,
        members=members,
        fallback=document["fallback"],
        rules=tuple(map(merchandising.rule_of, document["rules"])),
        degraded=degraded,
    )


def checked(
    operation: str, schema: type[PlacementRequest], defaults: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The defaults as a request of the operation has them.

    Raises:
        ValidationError: a member is not one of its request, or is not right.
    """
    needed = _NEEDED.get(operation, {})
    made = schema.model_validate({**needed, **defaults})
    return {name: getattr(made, name) for name in made.model_fields_set - needed.keys()}


def _ruled(
    request: ApiRequest,
    placing: Placing,
    rules: Sequence[MerchandiserRule],
    ask: PlacementRequest,
    of: Of,
) -> Placing:
    """The same with the rules that act on this request, the most important first."""
    context = FilterContext(request.auth.catalog, of.product, getattr(ask, "as_of", None))
    text = getattr(ask, "q", None) or ""
    acting = [rule for rule in rules if merchandising.asks_for(rule, text)]
    if any(rule.starts or rule.ends for rule in acting):
        acting = [rule for rule in acting if merchandising.is_on(rule, context.now)]
    if any(rule.needs_user for rule in acting):
        visitor = _visitor(request, of.user_in(ask))
        acting = [rule for rule in acting if merchandising.is_for(rule, visitor)]
    acting.sort(key=lambda rule: -rule.priority)
    made = merchandised.compiled(
        acting, queries.rule_context(request.auth, context), _named(ask, of)
    )
    return replace(
        placing,
        conditions=made.conditions,
        rules=made.rules,
        degraded={**placing.degraded, **made.degraded},
    )


def _visitor(request: ApiRequest, name: str | None) -> Visitor:
    """What the caller may know of the user whom a request names: one statement."""
    if name is None:
        return NOBODY
    users = User.objects.filter(catalog=request.auth.catalog, external_id=name)
    found = users.values_list("is_anonymous", "history_version", "attributes").first()
    if found is None:
        return NOBODY
    is_anonymous, history_version, attributes = found
    if not is_anonymous and not user_tokens.may_know(request, name):
        return NOBODY
    return Visitor(
        is_known=not is_anonymous, has_history=bool(history_version), attributes=attributes
    )


def _named(ask: PlacementRequest, of: Of) -> set[str]:
    """The products that a request is about."""
    seeds = getattr(ask, "products", ())
    ids = {seed.id if isinstance(seed, SeedIn) else seed for seed in seeds}
    return {*ids, *getattr(ask, "cart", ()), *([of.product] if of.product else ())}
