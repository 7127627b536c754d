"""What a text means: its vector in every space that reads texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from django.db.models import Q
from numpy.typing import NDArray

from embeddings.calls.outcome import EmbeddedRow
from embeddings.errors import BudgetSpent, EmbeddingError, Misconfigured, Rejected, Unavailable
from embeddings.types import Input, Modality, Output, Role
from recommender.models import Catalog, Space
from recommender.providers import metered
from recommender.providers.metered import Account, Effort
from recommender.providers.places import place
from recommender.spaces.alignment import embedder_of

log = structlog.get_logger()

Vector = NDArray[np.float32]

# A request does not wait for a provider as a worker does.
_EFFORT = Effort(attempts=1, patience=1.0)
_REASONS: dict[type[EmbeddingError], str] = {
    Unavailable: "unavailable",
    BudgetSpent: "budget_spent",
    Misconfigured: "misconfigured",
    Rejected: "rejected",
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """The vectors of a text, and by its name why a space has none."""

    vectors: Sequence[tuple[Space, Vector]]
    degraded: Mapping[str, str]


def of_text(catalog: Catalog, text: str) -> Meaning:
    """The text in each active space that reads texts; a model that is not there costs its own."""
    vectors: list[tuple[Space, Vector]] = []
    degraded: dict[str, str] = {}
    dense = ~Q(kind=Space.Kind.BEHAVIOUR) & ~Q(output=Space.Output.SPARSE)
    active = Space.objects.filter(dense, catalog=catalog, status=Space.Status.ACTIVE)
    for space in active.defer("fold_in", "boilerplate").order_by("pk"):
        try:
            vector = _vector(catalog, space, text)
        except EmbeddingError as exc:
            log.warning("text without a space", space=space.pk, error=str(exc))
            degraded[space.name] = _reason(exc)
            continue
        if vector is not None:
            vectors.append((space, vector))
    return Meaning(vectors, degraded)


def _reason(error: EmbeddingError) -> str:
    """Why a model was not asked, as a code: what its provider says is for the log alone."""
    return next((code for kind, code in _REASONS.items() if isinstance(error, kind)), "failed")


def _vector(catalog: Catalog, space: Space, text: str) -> Vector | None:
    """The text's vector; None where the space reads no text.

    Raises:
        EmbeddingError: the model cannot be asked now.
    """
    embedder = embedder_of(space)
    if Modality.TEXT not in embedder.spec.modalities or not Output(space.output).is_dense:
        return None
    source = Input(text=text)
    # What costs nothing is not booked: all searches would write one row.
    account = Account(catalog) if embedder.spec.is_hosted else None
    with place(embedder.spec, [source]):
        made = metered.embed_rows(embedder, [source], Role.QUERY, account, _EFFORT)[0]
    if not isinstance(made, EmbeddedRow):
        raise made
    return made.vector
