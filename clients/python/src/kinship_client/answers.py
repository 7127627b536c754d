"""What lists answer, member by member as the service's OpenAPI document has it."""

from typing import Any, Literal, NotRequired, TypedDict


class Stage(TypedDict):
    """A stage that ran."""

    stage: str
    milliseconds: float
    notes: dict[str, int | str | None]


class RuleActed(TypedDict):
    """A rule of the placement that placed an item or changed its score."""

    id: str
    name: str
    action: str


class Why(TypedDict):
    """Why an item is there; contributions add up to its score, and one below 0 is against it."""

    code: str
    source: str
    because: list[str]
    interest: str | None
    contributions: dict[str, float]
    channel: str
    parts: dict[str, float]
    text: NotRequired[str | None]
    placed: NotRequired[str | None]
    propensity: NotRequired[float | None]
    rules: NotRequired[list[RuleActed] | None]


class Item(TypedDict):
    """One product."""

    id: str
    rank: int
    score: float
    fields: dict[str, Any]
    why: Why
    highlights: NotRequired[dict[str, str] | None]


class Recommendations(TypedDict):
    """A list of products, and whether and why it is not all that was asked for."""

    rec_id: str
    spaces: list[str]
    complete: bool
    reason: str | None
    missing_ids: list[str]
    fallback: str | None
    degraded: dict[str, str]
    scenario: NotRequired[str | None]
    scenario_version: NotRequired[int | Literal["draft"] | None]
    variant: NotRequired[str | None]
    trace: NotRequired[list[Stage] | None]
    items: list[Item]


class Chart(Recommendations):
    """A list for everybody, and what its scores say."""

    measured_by: str


class Understood(TypedDict):
    """What the text was taken for."""

    text: str
    meant: str | None
    missing_words: list[str]
    synonyms: dict[str, list[str]]
    relaxed: bool


class Bucket(TypedDict):
    """A value, or a range of numbers, and how many products have it."""

    count: int
    value: str | bool | None
    lower: float | None
    upper: float | None


class Facet(TypedDict):
    """How many products have each value of a field."""

    field: str
    buckets: list[Bucket]
    missing: int
    has_more: bool


class Facets(TypedDict):
    """The facets, and how many products they count."""

    products: int
    complete: bool
    fields: list[Facet]


class Redirect(TypedDict):
    """Where a search leads: an address, or a category's path; the other is null."""

    address: str | None
    category: str | None


class SearchResults(Recommendations):
    """The products that were found, and what the text was taken for."""

    query: NotRequired[Understood | None]
    redirect: NotRequired[Redirect | None]
    facets: NotRequired[Facets | None]


class Suggestion(TypedDict):
    """A text to search for, or a thing to go to."""

    text: str
    kind: Literal["words", "category", "brand", "product"]
    id: str | None


class Suggestions(TypedDict):
    """What a text may become, the likeliest first."""

    suggestions: list[Suggestion]
    missing_ids: list[str]
    degraded: dict[str, str]


class Row(Recommendations):
    """A list with a title."""

    code: str
    title: str
    because: str | None


class Rows(TypedDict):
    """The rows of a page, the most telling first; no product is in two of them."""

    missing_ids: list[str]
    fallback: str | None
    degraded: dict[str, str]
    scenario: NotRequired[str | None]
    scenario_version: NotRequired[int | Literal["draft"] | None]
    variant: NotRequired[str | None]
    rows: list[Row]
    trace: NotRequired[list[Stage] | None]


class Segment(TypedDict):
    """A value with its share of the user's list."""

    value: str
    rank: int
    score: float
    products: list[str]
    because: list[str]


class Segments(TypedDict):
    """The segments that a user would like, the one liked most first."""

    by: str
    spaces: list[str]
    missing_ids: list[str]
    fallback: str | None
    degraded: dict[str, str]
    items: list[Segment]
    trace: NotRequired[list[Stage] | None]


class Member(TypedDict):
    """A user, and how near their taste is to the product."""

    id: str
    rank: int
    score: float


class Audience(TypedDict):
    """The users whose taste is nearest to a product, the nearest first."""

    space: str | None
    degraded: dict[str, str]
    items: list[Member]
    trace: NotRequired[list[Stage] | None]


class Place(TypedDict):
    """Where in a request something is wrong, and what."""

    where: str
    message: str


class ProblemDocument(TypedDict):
    """An error as RFC 9457 has it; `type` never changes its meaning."""

    type: str
    title: str
    status: int
    detail: str
    errors: NotRequired[list[Place] | None]
    missing_ids: NotRequired[list[str] | None]
    accepted: NotRequired[int | None]
    rejected: NotRequired[int | None]
    removed: NotRequired[int | None]
    would_remove: NotRequired[int | None]
    on_sale: NotRequired[int | None]
    run: NotRequired[str | None]


class Batched(TypedDict):
    """What became of one of the requests."""

    status: int
    answer: NotRequired[Recommendations | Rows | Segments | Audience | None]
    problem: NotRequired[ProblemDocument | None]


class BatchAnswers(TypedDict):
    """The answers in the order of the requests."""

    answers: list[Batched]


class Had(TypedDict):
    """The user's latest event with the product."""

    type: str
    at: str


class Worth(TypedDict):
    """A product's score, and what contributes to it."""

    id: str
    place: int
    score: float
    contributions: dict[str, float]


class SourceView(TypedDict):
    """What a source says of the product, beside the last that it proposes."""

    source: str
    proposed: int
    place: int | None
    scores: dict[str, float]
    last_scores: dict[str, float]


class Explanation(TypedDict):
    """Why a product is in a list, or at which stage it is not any more."""

    product: str
    stage: str
    reason: str
    place: int | None
    conditions: list[str]
    had: Had | None
    why: Worth | None
    last: Worth | None
    candidates: int
    sources: list[SourceView]
    missing_ids: list[str]
    fallback: str | None
    degraded: dict[str, str]
    scenario: NotRequired[str | None]
    scenario_version: NotRequired[int | Literal["draft"] | None]
    trace: NotRequired[list[Stage] | None]
