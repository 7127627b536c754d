"""What insight answers, as the service's OpenAPI document has it."""

from typing import Any, TypedDict


class Column(TypedDict):
    """A column that makes a row odd."""

    column: str
    value: float
    usual: float
    share: float


class Outlier(TypedDict):
    """A row that is unlike the others."""

    row: int
    id: str | None
    score: float
    columns: list[Column]
    text: str


class Outliers(TypedDict):
    """The rows that are unlike the others, the most unlike first."""

    rows: int
    constant_columns: list[str]
    scores: list[float]
    items: list[Outlier]


class InsightKind(TypedDict):
    """A kind of insight; `parameters` is the JSON schema of what it takes."""

    name: str
    title: str
    help: str
    parameters: dict[str, Any]


class InsightKinds(TypedDict):
    """All kinds of insight."""

    items: list[InsightKind]


class InsightError(TypedDict):
    """Why a run failed; `code` is null for what nobody foresaw."""

    code: str | None
    detail: str


class Progress(TypedDict):
    """What is done now, and how many of its parts are; `total` is 0 where they are not counted."""

    text: str
    done: int
    total: int


class InsightRun(TypedDict):
    """A run of a kind of insight: how far it is, and what it found as a whole."""

    id: str
    kind: str
    status: str
    parameters: dict[str, Any]
    progress: Progress | None
    space: str | None
    moved_on: str | None
    summary: str
    figures: dict[str, Any]
    error: InsightError | None
    seconds: float | None
    created_at: str
    started_at: str | None
    finished_at: str | None


class InsightRuns(TypedDict):
    """Runs, the latest first: of each kind the last few are kept."""

    items: list[InsightRun]


class Finding(TypedDict):
    """One thing that a run found."""

    product: str | None
    title: str | None
    user: str | None
    group: str
    score: float
    data: dict[str, Any]


class Findings(TypedDict):
    """Some findings; `next` is the cursor of the page after, null where there is none."""

    items: list[Finding]
    next: str | None


class Decided(TypedDict):
    """What became of a decision; `reason` says why it was skipped."""

    product: str
    status: str
    reason: str | None


class Decisions(TypedDict):
    """What became of the decisions; `left` are as sure as asked for, and open still."""

    accepted: int
    refused: int
    unchanged: int
    skipped: int
    left: int
    items: list[Decided]
