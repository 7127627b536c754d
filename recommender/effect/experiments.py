"""Experiments of a catalog: planned, started, widened, ended; and which variant a user sees."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone

from recommender.effect import assignment
from recommender.effect.assignment import Plan, PlanError, Share
from recommender.models import Catalog, Experiment, Webhook
from recommender.webhooks import outbox

# Between an experiment's name and its variant's, in the log.
SEPARATOR = "/"


class ExperimentError(ValueError):
    """What was asked cannot be done with the experiment as it is."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of making a list."""

    name: str
    share: float
    overrides: Mapping[str, Any] = field(default_factory=dict)
    holdout: bool = False  # whether no recommendations are shown


@dataclass(frozen=True, slots=True)
class Assigned:
    """What a user sees, and what the recommendation log calls it."""

    variant: Variant
    label: str


def variants_of(experiment: Experiment) -> list[Variant]:
    """The variants, the control first."""
    return [Variant(**document) for document in experiment.variants]


def plan_of(experiment: Experiment) -> Plan:
    """How the experiment divides users.

    Raises:
        PlanError: shares or part are none.
    """
    return _plan(experiment, variants_of(experiment))


def _plan(experiment: Experiment, variants: Iterable[Variant]) -> Plan:
    return Plan(
        experiment.layer,
        experiment.salt,
        experiment.part_from,
        experiment.part_to,
        [Share(variant.name, variant.share) for variant in variants],
    )


def assign(experiment: Experiment, unit: str) -> Assigned | None:
    """The variant that a user sees; None where they, or all, are not in the experiment."""
    if experiment.status != Experiment.Status.RUNNING:
        return None
    variants = {variant.name: variant for variant in variants_of(experiment)}
    name = assignment.assign(_plan(experiment, variants.values()), unit)
    return None if name is None else Assigned(variants[name], label_of(experiment, name))


def label_of(experiment: Experiment, variant: str) -> str:
    """What the log calls a variant."""
    return f"{experiment.name}{SEPARATOR}{variant}"


def running(catalog: Catalog) -> list[Experiment]:
    """The experiments that run in a catalog."""
    rows = Experiment.objects.filter(catalog=catalog, status=Experiment.Status.RUNNING)
    return list(rows.order_by("pk"))


def start(experiment: Experiment, part_to: float | None = None) -> Experiment:
    """Start a draft, or widen one that runs; users who are in it stay where they are.

    Args:
        part_to: where its part of the layer ends from now on.

    Raises:
        ExperimentError: it has ended, would be narrowed, or overlaps with another of its layer.
    """
    with transaction.atomic():
        # One at a time, so that no two take the same part of a layer.
        Catalog.objects.select_for_update(no_key=True).get(pk=experiment.catalog_id)
        row = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if row.status == Experiment.Status.ENDED:
            raise ExperimentError("It has ended; make another.")
        if part_to is not None:
            if row.status == Experiment.Status.RUNNING and part_to < row.part_to:
                raise ExperimentError("An experiment that runs is widened, never narrowed.")
            row.part_to = part_to
        others = Experiment.objects.filter(
            catalog=row.catalog_id, status=Experiment.Status.RUNNING
        ).exclude(pk=row.pk)
        try:
            assignment.check_apart([plan_of(row), *map(plan_of, others)])
        except PlanError as exc:
            raise ExperimentError(str(exc)) from exc
        row.status = Experiment.Status.RUNNING
        row.started_at = row.started_at or timezone.now()
        row.save(update_fields=["status", "started_at", "part_to"])
    return row


def stop(experiment: Experiment, reason: str) -> bool:
    """End an experiment that runs; False where it does not, and nothing is changed."""
    rows = Experiment.objects.filter(pk=experiment.pk, status=Experiment.Status.RUNNING)
    with transaction.atomic():
        changed = rows.update(
            status=Experiment.Status.ENDED, ended_at=timezone.now(), end_reason=reason
        )
        if changed:
            told = {"experiment": experiment.name, "reason": reason}
            outbox.tell(experiment.catalog_id, Webhook.Kind.EXPERIMENT, told)
    return bool(changed)
