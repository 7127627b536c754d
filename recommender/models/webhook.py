"""Webhooks: who is told of what happens in a catalog, and what became of telling them."""

import base64
import secrets
import uuid

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from recommender.models.catalog import Catalog

SECRET_PREFIX = "whsec_"  # noqa: S105 - no secret, but what each begins with
# Bytes of a secret, as Standard Webhooks has them.
_FEWEST_BYTES, _NEW_BYTES, _MOST_BYTES = 24, 32, 64


def new_secret() -> str:
    """A secret to sign with, as Standard Webhooks writes it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(_NEW_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that a secret stands for.

    Raises:
        ValueError: it is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except ValueError as exc:  # also where it is not ASCII
        raise ValueError("it is not base64") from exc
    if not secret.startswith(SECRET_PREFIX) or not _FEWEST_BYTES <= len(key) <= _MOST_BYTES:
        raise ValueError("it has too few or too many bytes")
    return key


def check_secret(secret: str) -> None:
    """See that a secret is one.

    Raises:
        ValidationError: it is not.
    """
    try:
        key_of(secret)
    except ValueError as exc:
        raise ValidationError(
            f"Give {SECRET_PREFIX} and {_FEWEST_BYTES} to {_MOST_BYTES} bytes in base64."
        ) from exc


class Webhook(models.Model):
    """An address that is told of what happens in a catalog."""

    class Kind(models.TextChoices):
        STALE = "product.stale", "Products stay stale, as a space's embedding stopped"
        QUARANTINED = "product.quarantined", "Products were refused by a model"
        TRAINED = "training.done", "A training is done and serves"
        REFUSED = "training.refused", "A training was refused: nothing of it serves"
        TRAINING_FAILED = "training.failed", "A training failed"
        BUDGET = "budget.reached", "The month's budget for embedding is reached"
        FEED = "feed.failed", "The feed failed"
        EXPERIMENT = "experiment.ended", "An experiment was ended"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="webhooks"
    )
    name = models.CharField(
        max_length=63,
        validators=[
            RegexValidator(
                r"^[a-z0-9][a-z0-9_-]*\Z",
                "Use lower-case letters, digits, - and _, starting with a letter or a digit.",
            )
        ],
    )
    url = models.CharField(
        "address",
        max_length=2_000,
        validators=[
            RegexValidator(
                r"^https?://[^\s/@]+(/\S*)?\Z", "Give an http or https address without a user."
            )
        ],
        help_text="What happens is posted there, as JSON.",
    )
    secret = models.CharField(
        max_length=100,
        default=new_secret,
        validators=[check_secret],
        help_text="Posts are signed with it; the receiver needs it, too.",
    )
    kinds = ArrayField(
        models.CharField(max_length=32, choices=Kind.choices),
        verbose_name="kinds of event",
        help_text="What it is told of.",
    )
    is_active = models.BooleanField("active", default=True)
    # Attempts, and deliveries given up, since the last that came through.
    failures = models.PositiveIntegerField(default=0, editable=False)
    given_up = models.PositiveIntegerField(default=0, editable=False)
    retry_at = models.DateTimeField(null=True, editable=False)
    stopped_at = models.DateTimeField(null=True, editable=False)
    stop_reason = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("catalog__name", "name")
        constraints = (models.UniqueConstraint(fields=["catalog", "name"], name="webhook_name"),)

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One thing that a webhook is told, and what became of it."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"

    webhook = models.ForeignKey(
        Webhook, models.CASCADE, verbose_name="webhook", related_name="deliveries", db_index=False
    )
    message = models.UUIDField(default=uuid.uuid4, unique=True)
    kind = models.CharField(max_length=32)
    body = models.TextField(help_text="What is posted, byte for byte.")
    # Of what is told once alone; null for all else.
    key = models.CharField(max_length=200, null=True)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_answer = models.TextField(blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=["webhook", "key"], name="webhookdelivery_once"),
        )
        indexes = (
            models.Index(fields=["webhook", "-id"], name="webhookdelivery_latest"),
            models.Index(fields=["created_at"], name="webhookdelivery_age"),
            models.Index(
                fields=["webhook", "next_at"],
                condition=models.Q(status="waiting"),
                name="webhookdelivery_due",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind}, {self.created_at:%-d %B %Y, %H:%M} UTC"

    @property
    def message_id(self) -> str:
        """What the receiver knows it by, however often it is sent."""
        return f"msg_{self.message}"
