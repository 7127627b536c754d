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
    results: list[Outcome]
