"""A catalog's document over REST: read, tried, applied."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Query as Parameters
from ninja import Router, Schema
from pydantic import Field

from recommender.api import codec
from recommender.api.auth import ApiRequest, admin_key
from recommender.api.config import applying, change
from recommender.api.config.change import ConfigError, Fault, Sign
from recommender.api.config.document import CatalogIn
from recommender.api.fields import Flag
from recommender.api.problems import Problem

router = Router(tags=["config"], auth=admin_key)

_MOST_FAULTS = 20
_BY = "API"


class ConfigParameters(Schema):
    """How a document is applied."""

    dry_run: Annotated[Flag, Field(description="Only say what would change.")] = False
    prune: Annotated[
        Flag, Field(description="Remove what the sections of the document do not name.")
    ] = False


class ChangeOut(Schema):
    """Something that was, or would be, added, changed or removed."""

    sign: Sign
    catalog: str
    what: str
    words: Annotated[list[str], Field(description="A sentence for each part of it.")]


class SecretOut(Schema):
    """A new key, told this once."""

    catalog: str
    key: Annotated[str, Field(description="Its name.")]
    secret: str


class AppliedOut(Schema):
    """What came of a document."""

    is_dry_run: bool
    changes: list[ChangeOut]
    secrets: Annotated[list[SecretOut], Field(description="None where it was only tried.")]


@router.get("/config", response=CatalogIn, summary="The catalog's document")
def get_config(request: ApiRequest) -> HttpResponse:
    """What the catalog is set to, which applied elsewhere gives the same; without secrets.

    It is what a file of `./kinship apply` has under the catalog's name.
    """
    codec.check_known(request, ())
    return codec.respond(applying.read_catalog(request.auth.catalog))


@router.put("/config", response=AppliedOut, summary="Apply a document")
def put_config(
    request: ApiRequest, ask: CatalogIn, how: Parameters[ConfigParameters]
) -> HttpResponse:
    """Bring the catalog to what a document says: all of it or nothing.

    Applied again it changes nothing. What is left out stays as it is.
    """
    codec.check_known(request, ConfigParameters.model_fields)
    try:
        made = applying.apply_to(
            request.auth.catalog, ask, prune=how.prune, by=_BY, dry_run=how.dry_run
        )
    except ConfigError as exc:
        raise _refused(exc) from exc
    told = change.as_json(made)
    secrets = [] if how.dry_run else told["secrets"]
    return codec.respond({"is_dry_run": how.dry_run, **told, "secrets": secrets})


def _refused(error: ConfigError) -> Problem:
    errors = list(map(_told, error.faults[:_MOST_FAULTS]))
    detail = "; ".join(f"{one['where']}: {one['message']}" for one in errors[:3])
    return Problem(400, "invalid-config", detail, errors=errors)


def _told(fault: Fault) -> dict[str, str]:
    return {"where": ".".join(map(str, ("body", *fault.path))), "message": fault.message}
