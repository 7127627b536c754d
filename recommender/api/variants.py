"""Which variant of an experiment a request's user sees, and what that makes of the request."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from threading import Lock
from typing import Any

from cachetools import TTLCache, cached

from recommender.effect import experiments
from recommender.effect.experiments import Assigned
from recommender.models import Catalog, Experiment

# What is started, widened or stopped counts everywhere within so long, as what is published does.
_REMEMBERED_SECONDS = 0.5
_MOST_REMEMBERED = 2_000
# The list that an experiment without a placement is of.
_LIST = "for_user"


def assigned(
    catalog: Catalog, scenario: str | None, operation: str, unit: str | None
) -> Assigned | None:
    """The variant that a user or visitor sees of a placement's list; None where it is as it is.

    An experiment without a placement is of recommendations that name none. A user is in one
    experiment of a list at a time: the first by age.

    Args:
        unit: the user's id; None where the request names nobody, who is in no experiment.
    """
    if unit is None or (scenario is None and operation != _LIST):
        return None
    for experiment in _running(catalog):
        if experiment.placement == (scenario or ""):
            found = experiments.assign(experiment, unit)
            if found is not None:
                return found
    return None


def forget() -> None:
    """Read the experiments that run anew."""
    _running.cache_clear()


def members_of(assigned: Assigned, known: Mapping[str, Any]) -> dict[str, Any]:
    """What a variant sets of a request that has these members."""
    overrides = assigned.variant.overrides
    return {name: value for name, value in overrides.items() if name in known}


@cached(TTLCache(_MOST_REMEMBERED, _REMEMBERED_SECONDS), key=attrgetter("pk"), lock=Lock())
def _running(catalog: Catalog) -> Sequence[Experiment]:
    return experiments.running(catalog)
