"""Experiments over REST: planned, started, widened, stopped, read."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.core.exceptions import ValidationError as InvalidRow
from django.db import transaction
from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import Field, ValidationError

from recommender.api import codec, problems
from recommender.api.auth import ApiRequest, managing_key
from recommender.api.list_requests import RecommendationRequest
from recommender.api.problems import Problem
from recommender.api.schemas import Strict
from recommender.effect import experiments, readout, verdict
from recommender.effect.assignment import PlanError
from recommender.effect.experiments import ExperimentError
from recommender.models import Catalog, Experiment

router = Router(tags=["experiments"], auth=managing_key)

Name = Annotated[str, Field(strict=True, pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
Part = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Metric = Literal["orders", "revenue", "clicks"]


class VariantIn(Strict):
    """One way of making a list; the first is the control."""

    name: Name
    share: Annotated[Part, Field(gt=0, description="Of the experiment's users; all add up to 1.")]
    overrides: Annotated[
        dict[str, Any],
        Field(description="Members of a request for recommendations that it sets."),
    ] = {}  # noqa: RUF012 - pydantic copies it
    holdout: Annotated[
        bool, Field(strict=True, description="Whether it shows no recommendations.")
    ] = False


class ExperimentIn(Strict):
    """What is compared, for whom, and by what."""

    placement: Annotated[str, Field(strict=True, max_length=100)] = ""
    layer: Annotated[Name, Field(description="Experiments of a layer share no users.")] = "main"
    part_from: Annotated[Part, Field(description="Which part of the layer's users it has.")] = 0.0
    part_to: Part = 1.0
    variants: Annotated[list[VariantIn], Field(min_length=2, max_length=10)]
    metric: Metric = "orders"
    guards: Annotated[
        list[Metric],
        Field(max_length=3, description="A variant clearly worse by one of them ends it."),
    ] = []  # noqa: RUF012 - pydantic copies it


class StartIn(Strict):
    """How far to go."""

    part_to: Annotated[
        Part | None, Field(description="Where its part of the layer ends from now on: a ramp.")
    ] = None


class StopIn(Strict):
    """Why."""

    reason: Annotated[str, Field(strict=True, max_length=500)] = ""


class VariantOut(Schema):
    """One way of making a list."""

    name: str
    share: float
    overrides: dict[str, Any]
    holdout: bool


class ExperimentOut(Schema):
    """An experiment as it is."""

    name: str
    placement: str
    layer: str
    part_from: float
    part_to: float
    variants: list[VariantOut]
    metric: str
    guards: list[str]
    status: str
    started_at: datetime | None
    ended_at: datetime | None
    end_reason: str


class ExperimentsOut(Schema):
    """The experiments of a catalog, the latest first."""

    items: list[ExperimentOut]


class BoundsOut(Schema):
    """A figure, and where it lies with 95 % confidence, however often one looks."""

    mean: float
    low: float
    high: float


class ComparedOut(Schema):
    """A variant against the control, a user."""

    control: float
    variant: float
    difference: BoundsOut
    lift: Annotated[BoundsOut | None, Field(description="As a share of the control's.")]
    p_value: Annotated[float, Field(description="Valid however often one looks.")]


class ResultOut(Schema):
    """What an experiment shows so far."""

    units: Annotated[dict[str, int], Field(description="Users who saw each variant.")]
    crossed: Annotated[int, Field(description="Users who saw two, and do not count.")]
    sample_ratio_p: Annotated[
        float, Field(description="Whether users came in the planned shares; below 0.001 not.")
    ]
    metrics: dict[str, dict[str, ComparedOut | None]]
    text: Annotated[list[str], Field(description="The same in sentences.")]


class ExperimentResultOut(ExperimentOut):
    """An experiment, and what it shows."""

    result: ResultOut


@router.get("/experiments", response=ExperimentsOut, summary="Experiments")
def get_experiments(request: ApiRequest) -> HttpResponse:
    """All of them, without results."""
    codec.check_known(request, ())
    rows = Experiment.objects.filter(catalog=request.auth.catalog).order_by("-created_at", "-pk")
    return codec.respond({"items": [_document(row) for row in rows]})


@router.put(
    "/experiments/{name}",
    response={200: ExperimentOut, 201: ExperimentOut},
    summary="Plan an experiment",
)
def put_experiment(request: ApiRequest, name: str, ask: ExperimentIn) -> HttpResponse:
    """Make a draft, or replace one. What runs or has ended stays as it is."""
    codec.check_known(request, ())
    catalog, fields = request.auth.catalog, ask.model_dump()
    for place, variant in enumerate(ask.variants):
        _check_overrides(variant, place)
    with transaction.atomic():
        Catalog.objects.select_for_update(no_key=True).get(pk=catalog.pk)
        row = Experiment.objects.filter(catalog=catalog, name=name).first()
        if row is not None and row.status != Experiment.Status.DRAFT:
            raise _conflict(f"{name} is {row.status}; make another of another name.")
        is_new = row is None
        row = row or Experiment(catalog=catalog, name=name)
        for field, value in fields.items():
            setattr(row, field, value)
        _check(row)
        row.save()
    return codec.respond(_document(row), 201 if is_new else 200)


@router.get("/experiments/{name}", response=ExperimentResultOut, summary="An experiment's result")
def get_experiment(request: ApiRequest, name: str) -> HttpResponse:
    """The experiment, and what it shows so far: valid whenever one looks."""
    codec.check_known(request, ())
    row = _find(request, name)
    result = verdict.document(row, readout.read(row))
    return codec.respond({**_document(row), "result": result})


@router.post(
    "/experiments/{name}/start", response=ExperimentOut, summary="Start or widen an experiment"
)
def start_experiment(request: ApiRequest, name: str, ask: StartIn) -> HttpResponse:
    """Start a draft, or give one that runs more of its layer's users; nobody changes sides."""
    codec.check_known(request, ())
    try:
        row = experiments.start(_find(request, name), ask.part_to)
    except ExperimentError as exc:
        raise _conflict(str(exc)) from exc
    return codec.respond(_document(row))


@router.post("/experiments/{name}/stop", response=ExperimentOut, summary="Stop an experiment")
def stop_experiment(request: ApiRequest, name: str, ask: StopIn) -> HttpResponse:
    """End one that runs: from now on nobody is in it. Its result goes on to be read."""
    codec.check_known(request, ())
    row = _find(request, name)
    if not experiments.stop(row, ask.reason):
        raise _conflict(f"{name} is {row.status}; only what runs is stopped.")
    return codec.respond(_document(_find(request, name)))


def _find(request: ApiRequest, name: str) -> Experiment:
    rows = Experiment.objects.filter(catalog=request.auth.catalog).select_related("catalog")
    # PostgreSQL keeps no NUL in a text.
    row = None if "\x00" in name else rows.filter(name=name).first()
    if row is None:
        raise Problem(404, "unknown-experiment", f"There is no experiment {name!r}.")
    return row


def _check(row: Experiment) -> None:
    """See that name and shares are right."""
    try:
        row.clean_fields(exclude=["catalog", "guards"])
        experiments.plan_of(row)
    except InvalidRow as exc:
        raise Problem(400, "invalid-experiment", " ".join(exc.messages)) from exc
    except PlanError as exc:
        raise Problem(400, "invalid-experiment", str(exc)) from exc


def _check_overrides(variant: VariantIn, place: int) -> None:
    try:
        RecommendationRequest.model_validate(variant.overrides)
    except ValidationError as exc:
        where = ("body", "variants", place, "overrides")
        faults = [{**fault, "loc": (*where, *fault["loc"])} for fault in exc.errors()]
        told = problems.invalid(faults)
        raise Problem(400, "invalid-experiment", told.detail, errors=told.errors) from exc


def _conflict(detail: str) -> Problem:
    return Problem(409, "experiment-state", detail)


def _document(row: Experiment) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ExperimentOut.model_fields}
