"""Which model is asked, and what it made of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from embeddings.base import Embedder
from embeddings.calls.outcome import EmbeddedRow, Outcome
from embeddings.errors import EmbeddingError, Misconfigured, Rejected
from embeddings.providers.media_limits import check_media
from embeddings.spec import ModelSpec
from embeddings.types import Input, Output, Role
from recommender.api.embeddings.protocols import Failure, invalid, of_embedding_error
from recommender.models import Catalog, Space
from recommender.providers import metered, models
from recommender.providers.metered import Account, Effort
from recommender.providers.places import place
from recommender.spaces.alignment import embedder_of

# Of a model that gives any dimension; the largest that a hosted model is known to give.
_MOST_DIMENSIONS = 4096
# A request must not hold its thread for long, and the SDKs try again by themselves.
_EFFORT = Effort(attempts=1, patience=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The model, and how it is asked; an instruction counts for queries only."""

    model: str
    dimension: int | None = None
    role: Role = Role.DOCUMENT
    instruction: str = ""
    output: Output = Output.DENSE

    def spec(self) -> ModelSpec:
        """The model at the dimension asked for.

        Raises:
            Failure: 404 for an unknown model, 400 for what it cannot give.
        """
        try:
            spec = models.spec(self.model)
        except Misconfigured as exc:
            message = f"The model {self.model!r:.100} does not exist: {exc}"
            raise Failure(404, "ModelNotFound", message) from exc
        if self.output.is_sparse and not spec.has_sparse:
            raise invalid(f"{spec.key} gives no sparse vectors; use output_type dense.")
        is_given = not spec.dimensions or self.dimension in spec.dimensions
        if self.dimension is None or (is_given and 1 <= self.dimension <= _MOST_DIMENSIONS):
            return spec.at(self.dimension)
        known = ", ".join(map(str, spec.dimensions)) or f"1 to {_MOST_DIMENSIONS}"
        raise invalid(
            f"Value error, dimension for embedding {spec.key} is invalid, "
            f"its value should be in [{known}]"
        )


def embed(
    catalog: Catalog, wanted: Wanted, spec: ModelSpec, inputs: Sequence[Input]
) -> list[EmbeddedRow]:
    """The vectors of all inputs, in their order, booked to the catalog.

    Raises:
        Failure: there is one that has none; nothing is answered then, as the vendor does.
    """
    try:
        for source in inputs:
            spec.check([source])
        check_media(inputs, spec)
        embedder = _embedder(catalog, wanted, spec)
        with place(spec, inputs):
            outcomes = metered.embed_rows(embedder, inputs, wanted.role, Account(catalog), _EFFORT)
    except EmbeddingError as exc:
        raise of_embedding_error(exc, spec) from exc
    return _all_made(outcomes, spec)


def _all_made(outcomes: Sequence[Outcome], spec: ModelSpec) -> list[EmbeddedRow]:
    errors = [outcome for outcome in outcomes if isinstance(outcome, EmbeddingError)]
    if errors:
        # A row that never works says more than one that was not tried because of it.
        telling = next((error for error in errors if isinstance(error, Rejected)), errors[0])
        raise of_embedding_error(telling, spec) from telling
    return [outcome for outcome in outcomes if isinstance(outcome, EmbeddedRow)]


def _embedder(catalog: Catalog, wanted: Wanted, spec: ModelSpec) -> Embedder:
    if spec.needs_alignment:
        return embedder_of(_aligned_space(catalog, wanted))
    instruction = wanted.instruction if _heeds_instruction(wanted, spec) else ""
    return models.embedder(
        wanted.model, spec.dimension, instruction=instruction, output=wanted.output
    )


def _heeds_instruction(wanted: Wanted, spec: ModelSpec) -> bool:
    # As the vendor documents it; where an instruction says nothing to a model, it does nothing.
    return spec.has_instruction and wanted.role is Role.QUERY


def _aligned_space(catalog: Catalog, wanted: Wanted) -> Space:
    spaces = Space.objects.filter(catalog=catalog, model=wanted.model, alignment__isnull=False)
    if wanted.dimension is not None:
        spaces = spaces.filter(dimension=wanted.dimension)
    space = spaces.exclude(status=Space.Status.RETIRED).order_by("-created_at").first()
    if space is None:
        message = (
            f"{wanted.model} works with a map learnt from the catalog, and {catalog} has learnt "
            "none of this dimension; build a space of this model first."
        )
        raise Failure(404, "ModelNotFound", message)
    return space
