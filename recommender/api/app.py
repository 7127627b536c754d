"""The API: its routers, and what becomes of every error."""

from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import RequestDataTooBig
from django.db.utils import IntegrityError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import register_converter
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Swagger
from ninja.openapi.schema import OpenAPISchema

from recommender.api import (
    addresses,
    batch,
    decisions,
    documentation,
    effect,
    experiments,
    explain,
    exports,
    insight,
    keys,
    merges,
    next_pages,
    outliers,
    placements,
    problems,
    products,
    recommendations,
    related,
    rows,
    search,
    segments,
    sync,
    user_tokens,
    users,
    webhooks,
)
from recommender.api.auth import ApiRequest, deleted
from recommender.api.codec import JsonParser, JsonRenderer
from recommender.api.config.views import router as config_router
from recommender.api.examples import CALLS
from recommender.api.problems import Problem, respond
from recommender.models import Catalog

View = Callable[..., HttpResponse]


class DocumentedApi(NinjaAPI):
    """An API whose OpenAPI document has an example of every call, and its errors."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        """The document, with what the views alone do not tell."""
        document = super().get_openapi_schema(**options)
        documentation.complete(document, CALLS)
        document["components"]["securitySchemes"]["UserToken"] = user_tokens.SCHEME
        return document


class PhonePage(Swagger):
    """Swagger UI as wide as the screen that it is on, with a way back to the admin."""

    template = "recommender/docs.html"


def _for_staff_if_so_set(view: View) -> View:
    guarded = staff_member_required(view)

    def choose(request: HttpRequest, **options: Any) -> HttpResponse:
        return (view if settings.PUBLIC_DOCS else guarded)(request, **options)

    return choose


register_converter(addresses.IdConverter, "id")

api = DocumentedApi(
    title="Kinship",
    version="1",
    description=(
        "A recommendation engine that lives in Postgres. Authorize with an API key, made under API "
        "keys in the admin; the examples are of the sample store, which `make demo` loads."
    ),
    docs_decorator=_for_staff_if_so_set,
    docs=PhonePage(settings={"defaultModelsExpandDepth": 0, "displayRequestDuration": True}),
    parser=JsonParser(),
    renderer=JsonRenderer(),
)
# First what ends in a word: an id may be sent with bare slashes, and would take in the word.
api.add_router("/v1", recommendations.router)
api.add_router("/v1", related.router)
api.add_router("/v1", segments.router)
api.add_router("/v1", rows.router)
api.add_router("/v1", search.router)
api.add_router("/v1", next_pages.router)
api.add_router("/v1", batch.router)
api.add_router("/v1", explain.router)
api.add_router("/v1", outliers.router)
api.add_router("/v1", effect.router)
api.add_router("/v1", experiments.router)
api.add_router("/v1", webhooks.router)
api.add_router("/v1", insight.router)
api.add_router("/v1", decisions.router)
api.add_router("/v1", placements.router)
api.add_router("/v1", keys.router)
api.add_router("/v1", config_router)
api.add_router("/v1", sync.router)
api.add_router("/v1", merges.router)
api.add_router("/v1", products.router)
api.add_router("/v1", exports.router)
api.add_router("/v1", users.router)
api.add_router("/v1", users.events_router)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:  # noqa: ARG001
    return respond(problem)


@api.exception_handler(AuthenticationError)
def _no_key(request: HttpRequest, error: AuthenticationError) -> HttpResponse:  # noqa: ARG001
    detail = "Send your API key as 'Authorization: Bearer KEY'."
    return respond(Problem(401, "no-key", detail))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    return respond(
        problems.invalid([fault | {"loc": _place(fault["loc"])} for fault in error.errors])
    )


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:  # noqa: ARG001
    detail = "The body is too large; send it in parts, or raise KINSHIP_MAX_BODY_MB."
    return respond(Problem(413, "too-large", detail))


@api.exception_handler(HttpError)
def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    # django-ninja hides what the parser says behind an error of its own.
    if isinstance(error.__cause__, Problem | RequestDataTooBig):
        return api.on_exception(request, error.__cause__)
    return respond(Problem(error.status_code, "invalid", str(error)))


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
def _database_away(request: HttpRequest, error: Exception) -> HttpResponse:
    return respond(problems.of_database(request, error))


@api.exception_handler(IntegrityError)
@api.exception_handler(Catalog.DoesNotExist)
def _catalog_deleted(request: ApiRequest, error: Exception) -> HttpResponse:
    """What is written for a catalog that is deleted meanwhile, the database refuses."""
    problem = deleted(request.auth)
    if problem is None:
        raise error
    return respond(problem)


def _place(location: Sequence[str | int]) -> Sequence[str | int]:
    """Where in the request; django-ninja adds the name of the view's own parameter to a body."""
    source, *rest = location
    return [source, *rest[1:]] if source == "body" else location
