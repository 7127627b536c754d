"""What a kind of insight is: parameters in, findings out; one module a kind, in `kinds`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field

from recommender.arrays import Array
from recommender.models import Catalog, InsightRun, Product, Space

if TYPE_CHECKING:
    # Its module loads all that trains, which the web has no use for.
    from recommender.training.fitting import Progress


class InsightError(Exception):
    """What somebody who reads it can mend: no vectors yet, one product, an unknown space."""

    def __init__(self, code: str, detail: str) -> None:
        """`code` is stable and ends the type of the problem over REST; `detail` a sentence."""
        super().__init__(detail)
        self.code = code
        self.detail = detail


class Parameters(BaseModel):
    """What a kind takes; checked the same over REST, on the command line and in the admin."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True
    )


class SpaceParameters(Parameters):
    """Parameters of a kind that reads vectors."""

    space: str | None = Field(
        default=None,
        max_length=63,
        description="Name of the space whose vectors are read; by default the first of content.",
    )


@dataclass(frozen=True, slots=True)
class Finding:
    """One row of a result. Of the rest of the run it knows nothing, so that it can be streamed."""

    product: int | None  # primary key
    user: int | None  # primary key
    group: str  # the cluster, the pair's group, the reason's code; "" where there is none
    score: float  # the order of results: the highest first
    data: Mapping[str, Any]  # as JSON has it: reason in words, evidence, suggested mend


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found.

    Attributes:
        findings: written as they come, by COPY: making them may not ask the database.
        figures: of the run as a whole, as JSON has them: counts, thresholds, precision.
        summary: one sentence for people.
        space: the version whose vectors were read, where any were.
        arrays: what is read again later, as centroids.
    """

    findings: Iterable[Finding]
    figures: Mapping[str, Any]
    summary: str
    space: Space | None = None
    arrays: Mapping[str, Array] = field(default_factory=dict)


def _nobody_new(_run: InsightRun, _product: Product) -> None:
    """Of a kind whose results tell nothing of a product that came later."""


def _any_catalog(_catalog: Catalog, _parameters: Any) -> None:
    """Of a kind that finds out only in its run whether it can be done."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of insight.

    Attributes:
        run: does it. Calls its Progress often; what that raises must not be caught, as it ends
            a run that was cancelled. Raises InsightError. It imports what computes when it is
            called: the web knows all kinds and computes none.
        check: raises InsightError at once where the catalog cannot be told anything; it is asked
            before a run is made, so it must be quick.
        of_newcomer: a finding on a product that a finished run has none on, or None; made when it
            is read.
        draw: a finished run as a PNG; None where there is no picture of the kind.
        examples: options, as the command line takes them, each of which shows something.
    """

    name: str
    title: str
    help: str
    parameters: type[Parameters]
    run: "Callable[[Catalog, Any, Progress], Outcome]"
    check: Callable[[Catalog, Any], None] = _any_catalog
    of_newcomer: Callable[[InsightRun, Product], Finding | None] = _nobody_new
    draw: Callable[[InsightRun], bytes] | None = None
    examples: Sequence[str] = ()

    def read(self, given: Mapping[str, Any]) -> Parameters:
        """Parameters as they were sent or stored, checked.

        Raises:
            pydantic.ValidationError: they are not right.
        """
        return self.parameters.model_validate(dict(given))
