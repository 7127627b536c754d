"""What the visitor did, as the shop tells it: their latest events, and what they did not finish."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recommender.models import Catalog, Event, User

_READ = 100
_UNFINISHED = 24
_ENDED = {"purchase", "remove_from_cart", "dislike", "return"}
# What events are called, of which a person can take one away.
WORDS: Mapping[str, str] = {
    "view": "looked at",
    "click": "looked at",
    "view_portion": "looked at",
    "add_to_cart": "put into the cart",
    "remove_from_cart": "took out of the cart",
    "bookmark": "saved",
    "like": "liked",
    "dislike": "disliked",
    "purchase": "bought",
    "rating": "rated",
    "return": "sent back",
}


@dataclass(frozen=True, slots=True)
class Done:
    """Something that somebody did with a product."""

    id: str
    type: str
    at: datetime
    value: float | None
    product: str
    title: str

    @property
    def word(self) -> str:
        """What it is called."""
        return WORDS.get(self.type, self.type)


def latest(catalog: Catalog, user: str, limit: int = _READ) -> list[Done]:
    """The latest events that say something of taste, the newest first; two queries."""
    types = [name for name, weight in catalog.event_weights.items() if weight]
    found = User.objects.filter(catalog=catalog, external_id=user).values_list("pk", flat=True)
    events = (
        Event.objects.filter(user__in=list(found), type__in=types, product__deleted_at=None)
        .exclude(product=None)
        .order_by("-at", "id")
        .values_list("id", "type", "at", "value", "product__external_id", "product__title")
    )
    return [
        Done(str(key), type_, at, value, product, title)
        for key, type_, at, value, product, title in events[:limit]
    ]


def unfinished(catalog: Catalog, user: str) -> list[str]:
    """Ids of what they looked at and neither bought nor turned down, the latest first."""
    events = latest(catalog, user)
    ended = {event.product for event in events if event.type in _ENDED}
    seen = dict.fromkeys(event.product for event in events if event.product not in ended)
    return list(seen)[:_UNFINISHED]
