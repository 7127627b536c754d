"""What a catalog tells, over REST: runs of insight kinds, and what they found."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field, ValidationError

from recommender.api import codec, optional_body, problems
from recommender.api.auth import ApiRequest, insight_key
from recommender.api.fields import OptionalId, OptionalText
from recommender.api.problems import Problem
from recommender.api.schemas import Strict
from recommender.insight import findings, runs
from recommender.insight.findings import Place
from recommender.insight.kind import InsightError, Kind
from recommender.insight.kinds import KINDS
from recommender.models import InsightRun, Product

router = Router(tags=["insight"], auth=insight_key)

_PARAMETERS = {"type": "object", "description": "As `GET /v1/insight/kinds` says of the kind."}


class KindOut(Schema):
    """A kind of insight; `parameters` is the JSON schema of what it takes."""

    name: str
    title: str
    help: str
    parameters: dict[str, Any]


class KindsOut(Schema):
    """All kinds of insight."""

    items: list[KindOut]


class ProgressOut(Schema):
    """What is done now, and how many of its parts are; `total` is 0 where they are not counted."""

    text: str
    done: int
    total: int


class InsightErrorOut(Schema):
    """Why a run failed; `code` is null for what nobody foresaw."""

    code: str | None
    detail: str


class InsightRunOut(Schema):
    """A run of a kind of insight: how far it is, and what it found as a whole."""

    id: UUID
    kind: str
    status: str
    parameters: dict[str, Any]
    progress: ProgressOut | None
    space: Annotated[str | None, Field(description="The version whose vectors were read.")]
    moved_on: Annotated[str | None, Field(description="Why it is no longer of what serves.")]
    summary: str
    figures: dict[str, Any]
    error: InsightErrorOut | None
    seconds: float | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class InsightRunsOut(Schema):
    """Runs, the latest first: of each kind the last few are kept."""

    items: list[InsightRunOut]


class FindingOut(Schema):
    """One thing that a run found."""

    product: str | None
    title: str | None
    user: str | None
    group: str
    score: float
    data: dict[str, Any]


class FindingsOut(Schema):
    """Some findings; `next` is the cursor of the page after, null where there is none."""

    items: list[FindingOut]
    next: str | None


class RunsParameters(Strict):
    """Which runs are asked for."""

    kind: Annotated[OptionalText, Field(description="Only of this kind.")] = None


class FindingsParameters(Strict):
    """Which findings are asked for."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    cursor: Annotated[OptionalText, Field(description="`next` of the page before.")] = None
    group: Annotated[OptionalText, Field(description="Only of this group.")] = None
    product: Annotated[OptionalId, Field(description="Only of the product of this id.")] = None


@router.get("/insight/kinds", response=KindsOut, summary="Kinds of insight")
def get_kinds(request: ApiRequest) -> HttpResponse:
    """What there is to find out, and the parameters of each."""
    codec.check_known(request, ())
    return codec.respond({"items": [_kind(kind) for kind in KINDS.values()]})


@router.get("/insight/runs", response=InsightRunsOut, summary="Runs of insight kinds")
def get_runs(request: ApiRequest, ask: Parameters[RunsParameters]) -> HttpResponse:
    """The runs that are kept, the latest first."""
    codec.check_known(request, RunsParameters.model_fields)
    runs.fail_dead_runs()
    found = InsightRun.objects.filter(catalog=request.auth.catalog).defer("arrays")
    if ask.kind:
        found = found.filter(kind=_find_kind(ask.kind, 400).name)
    return codec.respond({"items": [findings.run_document(run) for run in found]})


@router.get("/insight/runs/{run_id}", response=InsightRunOut, summary="A run")
def get_run(request: ApiRequest, run_id: UUID) -> HttpResponse:
    """How far it is; once it is done, its figures and summary."""
    codec.check_known(request, ())
    runs.fail_dead_runs()
    return codec.respond(findings.run_document(find_run(request, run_id)))


@router.get("/insight/runs/{run_id}/findings", response=FindingsOut, summary="What a run found")
def get_findings(
    request: ApiRequest, run_id: UUID, ask: Parameters[FindingsParameters]
) -> HttpResponse:
    """The findings of a run, the highest score first; pass `next` as `cursor` until it is null.

    A product that joined the catalog after the run is placed among its clusters when it is asked
    for by `product`; `data.newcomer` says so.
    """
    codec.check_known(request, FindingsParameters.model_fields)
    run = find_run(request, run_id)
    found = findings.page(
        run,
        limit=ask.limit + 1,
        after=_place(ask.cursor),
        group=ask.group or None,
        product=_product(request, ask.product) if ask.product else None,
    )
    shown, more = found[: ask.limit], len(found) > ask.limit
    last = shown[-1].place if shown and more else None
    following = last.cursor if last else None
    return codec.respond({"items": [findings.document(row) for row in shown], "next": following})


@router.post(
    "/insight/runs/{run_id}/cancel",
    response=InsightRunOut,
    summary="Cancel a run",
    openapi_extra=optional_body.documented(optional_body.EMPTY),
)
def cancel_run(request: ApiRequest, run_id: UUID) -> HttpResponse:
    """End a run that waits or goes on; it keeps nothing. One that has ended stays as it is."""
    codec.check_known(request, ())
    optional_body.check_empty(request)
    run = find_run(request, run_id)
    runs.cancel(run)
    return codec.respond(findings.run_document(find_run(request, run_id)))


# Last: the path would take in the words above.
@router.post(
    "/insight/{kind}",
    response={202: InsightRunOut},
    summary="Find out",
    openapi_extra=optional_body.documented(_PARAMETERS),
)
def post_run(request: ApiRequest, kind: str) -> HttpResponse:
    """Have workers find something out; the body holds the kind's parameters, or nothing."""
    codec.check_known(request, ())
    asked = _find_kind(kind)
    try:
        parameters = asked.read(optional_body.read(request))
        run = runs.request(request.auth.catalog, asked, parameters)
    except ValidationError as exc:
        faults = [{**fault, "loc": ("body", *fault["loc"])} for fault in exc.errors()]
        raise problems.invalid(faults) from exc
    except InsightError as exc:
        raise Problem(422, exc.code, exc.detail) from exc
    except runs.AlreadyRunningError as exc:
        raise Problem(409, "already-running", str(exc), run=str(exc.run.uuid)) from exc
    return codec.respond(findings.run_document(run), 202)


def _find_kind(name: str, status: int = 404) -> Kind:
    kind = KINDS.get(name)
    if kind is None:
        known = ", ".join(KINDS)
        raise Problem(status, "unknown-kind", f"There is no kind {name!r}; there are: {known}.")
    return kind


def find_run(request: ApiRequest, run_id: UUID) -> InsightRun:
    runs_here = InsightRun.objects.filter(catalog=request.auth.catalog).defer("arrays")
    run = runs_here.filter(uuid=run_id).first()
    if run is None:
        detail = f"There is no run {str(run_id)!r}; of each kind the last {runs.KEPT} are kept."
        raise Problem(404, "unknown-run", detail)
    return run


def _product(request: ApiRequest, product_id: str) -> Product:
    products = Product.objects.filter(catalog=request.auth.catalog, external_id=product_id)
    product = products.filter(deleted_at=None).first()
    if product is None:
        raise problems.unknown_product(product_id)
    return product


def _place(cursor: str | None) -> Place | None:
    try:
        return Place.read(cursor) if cursor else None
    except ValueError as exc:
        raise Problem(400, "invalid-cursor", "Use `next` of the page before as it is.") from exc


def _kind(kind: Kind) -> dict[str, Any]:
    schema = kind.parameters.model_json_schema()
    return {"name": kind.name, "title": kind.title, "help": kind.help, "parameters": schema}
