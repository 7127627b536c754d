"""A catalog: one isolated set of products, users, history, spaces and settings."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Value

# How much one event of a type says about taste. Negative types are kept but build no interest.
DEFAULT_EVENT_WEIGHTS: dict[str, float] = {
    "view": 1.0,
    "click": 1.0,
    "view_portion": 1.0,
    "rating": 1.0,
    "add_to_cart": 3.0,
    "bookmark": 3.0,
    "like": 3.0,
    "purchase": 5.0,
    "impression": 0.0,
    "search": 0.0,
    "remove_from_cart": -1.0,
    "dislike": -3.0,
    # Takes back the view, the cart and the purchase before it, and then says as much as a dislike.
    "return": -12.0,
}

# What a page sees happen. What is paid for, sent back or judged, the shop's server knows.
DEFAULT_BROWSER_EVENT_TYPES = (
    "view",
    "click",
    "view_portion",
    "add_to_cart",
    "remove_from_cart",
    "bookmark",
    "like",
    "dislike",
    "impression",
    "search",
)
# Of a weight or a rating, and one by it the least: learning from them is in single precision.
_LARGEST = 1_000_000
_MOST_TYPES, _LONGEST_TYPE = 100, 100


def _are_weights(weights: object) -> bool:
    if not isinstance(weights, dict) or len(weights) > _MOST_TYPES:
        return False
    return all(
        0 < len(name) <= _LONGEST_TYPE
        and "\x00" not in name
        and isinstance(weight, int | float)
        and not isinstance(weight, bool)
        and (weight == 0 or 1 / _LARGEST <= abs(weight) <= _LARGEST)
        for name, weight in weights.items()
    )


DEFAULT_RATING_SCALE = (0.0, 5.0)

# Those that PostgreSQL 16 reduces words to their stems in, and one for none.
LANGUAGES = (
    *("simple", "arabic", "armenian", "basque", "catalan", "danish", "dutch", "english", "finnish"),
    *("french", "german", "greek", "hindi", "hungarian", "indonesian", "irish", "italian"),
    *("lithuanian", "nepali", "norwegian", "portuguese", "romanian", "russian", "serbian"),
    *("spanish", "swedish", "tamil", "turkish", "yiddish"),
)


def default_event_weights() -> dict[str, float]:
    """A fresh copy of the default weights, for a new catalog's row."""
    return dict(DEFAULT_EVENT_WEIGHTS)


def default_browser_event_types() -> list[str]:
    """A fresh copy of the types that browsers send, for a new catalog's row."""
    return list(DEFAULT_BROWSER_EVENT_TYPES)


# How long after a list what happens may be owed to it, where no rec_id says so.
TOUCH_HOURS = (
    (0, "Only by rec_id"),
    (1, "1 hour"),
    (6, "6 hours"),
    (24, "1 day"),
    (72, "3 days"),
    (168, "7 days"),
)


class Catalog(models.Model):
    """One isolated set of products; an API key belongs to one, every row carries its catalog."""

    class Clock(models.TextChoices):
        NOW = "now", "The time of day"
        LAST_EVENT = "last_event", "The time of its last event (historical data)"

    class Impressions(models.TextChoices):
        EVENT = "event", "An event of type impression with the list's rec_id"
        ANSWER = "answer", "The answer itself: what is listed is seen"

    name = models.CharField(
        max_length=63,
        unique=True,
        validators=[
            RegexValidator(
                r"^[a-z0-9][a-z0-9_-]*$",
                "Use lower-case letters, digits, - and _, starting with a letter or a digit.",
            )
        ],
    )
    clock = models.CharField(
        max_length=16,
        choices=Clock.choices,
        default=Clock.NOW,
        help_text="What 'now' means for decay, popularity and 'the last 30 days'.",
    )
    event_weights = models.JSONField(
        default=default_event_weights,
        help_text="Weight of one event of each type in a profile; 0 or less builds no interest.",
    )
    half_life_days = models.FloatField(
        default=60.0,
        validators=[MinValueValidator(0.01)],
        help_text="After this many days an event counts half in a profile.",
    )
    rating_min = models.FloatField(
        default=DEFAULT_RATING_SCALE[0],
        db_default=DEFAULT_RATING_SCALE[0],
        help_text="The worst rating that a user can give, as no star at all.",
    )
    rating_max = models.FloatField(
        default=DEFAULT_RATING_SCALE[1],
        db_default=DEFAULT_RATING_SCALE[1],
        help_text="The best rating that a user can give; halfway between the two says nothing.",
    )
    attributes = models.JSONField(
        default=dict,
        blank=True,
        help_text="Declared product attributes and their types; filters are checked against it.",
    )
    public_attributes = ArrayField(
        models.CharField(max_length=255),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=255))),
        blank=True,
        help_text="Attributes that browser keys may read and filter by, separated by commas. "
        "Whoever opens the shop's page can read these of every product.",
    )
    browser_event_types = ArrayField(
        models.CharField(max_length=100),
        default=default_browser_event_types,
        db_default=Value(
            default_browser_event_types(), ArrayField(models.CharField(max_length=100))
        ),
        blank=True,
        help_text="Types of event that a browser key may send without a user token, separated by "
        "commas.",
    )
    language = models.CharField(
        max_length=63,
        blank=True,
        default="",
        db_default="",
        choices=[(name, name.capitalize()) for name in LANGUAGES],
        help_text="What the products are written in; simple: words are searched for as they are, "
        "not by their stems. Empty: recognised from their texts.",
    )
    search_language = models.CharField(
        max_length=63,
        default="english",
        db_default="english",
        editable=False,
        help_text="What the products' lexemes are made by now.",
    )
    words_counted_at = models.DateTimeField(null=True, blank=True, editable=False)
    words_counted_of = models.PositiveBigIntegerField(
        default=0, db_default=0, editable=False, help_text="Products whose words were counted."
    )
    monthly_budget = models.DecimalField(
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="US dollars that embedding may cost in a calendar month (UTC); empty: no limit.",
    )
    exclude_bots = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether users that insight finds to be bots are left out of training and "
        "popularity.",
    )
    in_shop = models.BooleanField(
        "shown in the shop",
        default=False,
        db_default=False,
        help_text="Whether everybody can see the products in the shop at /, unless KINSHIP_SHOP is "
        "off. What visitors do there becomes events.",
    )
    log_share = models.FloatField(
        "share logged",
        default=1.0,
        db_default=1.0,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text="Of the answers, how many the recommendation log keeps: 1 all, 0 none. Effect is "
        "measured of those.",
    )
    log_days = models.PositiveIntegerField(
        "days logged",
        default=90,
        db_default=90,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="After so many days the recommendation log forgets an answer; figures stay.",
    )
    impressions_by = models.CharField(
        max_length=8,
        choices=Impressions.choices,
        default=Impressions.EVENT,
        db_default=Impressions.EVENT,
        help_text="What says that a product was seen in a list.",
    )
    touch_hours = models.PositiveSmallIntegerField(
        "last touch",
        choices=TOUCH_HOURS,
        default=24,
        db_default=24,
        help_text="What a user buys without a rec_id is owed to the list that showed it to them "
        "last, within this time.",
    )
    has_made_up_times = models.BooleanField(
        default=False,
        editable=False,
        help_text="Whether times tell only the order of each user's events; found in training.",
    )
    similar_blend = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        editable=False,
        help_text="How much content, behaviour and co-occurrence count for similar products, as "
        "training found; empty: content alone.",
    )
    learner_settings = models.JSONField(
        default=dict,
        db_default={},
        blank=True,
        editable=False,
        help_text="What training found for its learners, and of which history; empty: nothing yet.",
    )
    popularity_refreshed_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "catalog"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def rating_scale(self) -> tuple[float, float]:
        """The worst and the best rating."""
        return self.rating_min, self.rating_max

    def clean(self) -> None:
        """See that the scale of ratings is one, and the weights of events are.

        Raises:
            ValidationError: the best rating is not above the worst, or a weight is no number.
        """
        if not _are_weights(self.event_weights):
            text = (
                'Give a number for each type, such as {"view": 1}: 0, or from a millionth to a '
                f"million, or below 0; {_MOST_TYPES} types at most, of {_LONGEST_TYPE} characters."
            )
            raise ValidationError({"event_weights": text})
        low: float | None = self.rating_min
        high: float | None = self.rating_max
        # None where a form has found a fault in the field already.
        if low is None or high is None:
            return
        if not (low >= -_LARGEST and high <= _LARGEST and high - low >= 1 / _LARGEST):
            raise ValidationError(
                f"Ratings from {low:g} to {high:g} are no scale: give the worst rating, then a "
                "greater one as the best."
            )
