"""Products, users and what became of what was sent, as the service's OpenAPI document has it."""

from typing import Any, NotRequired, TypedDict


class Product(TypedDict):
    """A product."""

    id: str
    title: str
    description: str
    category: str
    brand: str
    price: float | None
    currency: str
    in_stock: bool
    image_urls: list[str]
    video_urls: list[str]
    attributes: dict[str, Any]
    released_at: str | None
    updated_at: str


class ProductPage(TypedDict):
    """Some products; `next` is the cursor of the page after, null where there is none."""

    items: list[Product]
    next: str | None


class RejectedRow(TypedDict):
    """A row that was not taken: its place, from 0, and why."""

    row: int
    reason: str


class Written(TypedDict):
    """What became of the products."""

    added: int
    changed: int
    unchanged: int
    rejected: int
    errors: list[RejectedRow]


class Synced(Written):
    """What became of a page, and of the sync so far."""

    accepted: int
    seen: int
    done: bool
    removed: int


class User(TypedDict):
    """A user."""

    id: str
    attributes: dict[str, Any]
    last_event_at: str | None


class Merged(TypedDict):
    """What a user got of another."""

    id: str
    events: int
    missing_ids: list[str]


class HeldUser(TypedDict):
    """What the shop says of a user, and what follows from how they came."""

    attributes: dict[str, Any]
    created_at: str
    last_event_at: str | None
    is_anonymous: bool
    exclusion: str


class HeldVariant(TypedDict):
    """A variant of a running experiment that a user sees."""

    variant: str


class HeldSegment(TypedDict):
    """A brand or a category that a user likes by what they did."""

    by: str
    value: str
    score: float


class HeldMerge(TypedDict):
    """A visitor who became a user: who is asked about is one of the two."""

    user: str
    visitor: str
    at: str


class HeldProfile(TypedDict):
    """A vector of a user's taste."""

    space: str
    kind: str
    position: int
    weight: float
    product: str | None
    vector: list[float] | None


class HeldFinding(TypedDict):
    """What an insight says of a user."""

    insight: str
    at: str
    group: str
    score: float
    data: dict[str, Any]


class HeldEvent(TypedDict):
    """What a user did."""

    id: str
    type: str
    product: str | None
    at: str
    quantity: float | None
    value: float | None
    rec_id: str | None
    query: str | None


class HeldList(TypedDict):
    """A list that was made for a user."""

    rec_id: str
    at: str
    operation: str
    placement: str | None
    placement_version: int | None
    variant: str | None
    items: list[list[Any]]
    spaces: list[str]
    ranker: int | None


class Held(TypedDict):
    """A page of all that is held about a user; `next` is the cursor of the page after."""

    id: str
    user: HeldUser | None
    variants: list[HeldVariant]
    segments: list[HeldSegment]
    merges: list[HeldMerge]
    profiles: list[HeldProfile]
    findings: list[HeldFinding]
    events: list[HeldEvent]
    shown: list[HeldList]
    next: str | None


class Outcome(TypedDict):
    """What became of one event."""

    id: str | None
    status: str
    reason: NotRequired[str | None]


class Ingested(TypedDict):
    """What became of the events, counted and one by one, in order."""

    accepted: int
    duplicate: int
    rejected: int
    not_stored: int
    results: list[Outcome]
