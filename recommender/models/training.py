"""What training makes and how it went: runs, rankers, evaluations, popularity, neighbours."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from recommender.models.catalog import Catalog
from recommender.models.product import Product


class Mode(models.TextChoices):
    """Whether the user's own products may be listed: a list of each kind has its own ranker."""

    NEW = "new", "New products"
    ALL = "all", "Own products, too"


class TrainingRun(models.Model):
    """One run of training: its steps, what each decided and why."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Outcome(models.TextChoices):
        """Of a step: something new serves, what served goes on, or there was too little."""

        DONE = "done", "Done"
        KEPT = "kept", "Kept"
        SKIPPED = "skipped", "Skipped"

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="trainings"
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    steps = models.JSONField(
        default=list, help_text="Of each step: name, outcome, text, seconds and figures."
    )
    progress = models.JSONField(
        default=dict, editable=False, help_text="What is done now: text, done and total."
    )
    error = models.TextField(blank=True, default="")
    trained_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at",)

    def __str__(self) -> str:
        return f"training of {self.catalog}, {self.created_at:%-d %B %Y, %H:%M} UTC"


class Ranker(models.Model):
    """A learnt rank; of a catalog and mode one is active, and the one before it is kept."""

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="rankers"
    )
    mode = models.CharField(max_length=8, choices=Mode.choices)
    kind = models.CharField(max_length=16)
    model = models.BinaryField()
    figures = models.JSONField(
        default=dict, help_text="How each kind did in the backtest that chose it."
    )
    is_active = models.BooleanField(default=False)
    trained_until = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            models.UniqueConstraint(
                fields=["catalog", "mode"],
                condition=models.Q(is_active=True),
                name="ranker_one_active_a_mode",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.catalog} ({self.get_mode_display().lower()})"


class EvaluationRun(models.Model):
    """One evaluation: what `./kinship evaluate --json` writes."""

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="evaluations"
    )
    mode = models.CharField(max_length=8, choices=Mode.choices)
    document = models.JSONField()
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-made_at",)

    def __str__(self) -> str:
        mode = self.get_mode_display().lower()
        return f"evaluation of {self.catalog} ({mode}), {self.made_at:%-d %B %Y, %H:%M} UTC"


class Forgotten(models.Model):
    """History that went when somebody was erased: the next training keeps nothing learnt from it.

    One row for each time that happens, and none is ever changed: who sees a row sees it gone.
    """

    catalog = models.ForeignKey(Catalog, models.CASCADE, verbose_name="catalog", related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "forgotten"

    def __str__(self) -> str:
        return f"{self.catalog_id}, {self.at:%-d %B %Y, %H:%M} UTC"


class ProductPopularity(models.Model):
    """Popularity of a product, refreshed by a periodic task; apart from Product, as it churns.

    A user whom only lists led to the product counts for the share that its exposure leaves.
    """

    product = models.OneToOneField(Product, models.CASCADE, primary_key=True)
    catalog = models.ForeignKey(Catalog, models.CASCADE, verbose_name="catalog", db_index=False)
    recent = models.FloatField(help_text="Weight of the last 30 days, one vote a user.")
    total = models.FloatField(help_text="Weight of all time, one vote a user.")
    week_users = models.FloatField(default=0, help_text="Users in the last 7 days.")
    month_users = models.FloatField(default=0, help_text="Users in the last 30 days.")
    quarter_users = models.FloatField(default=0, help_text="Users in the last 90 days.")
    all_users = models.FloatField(default=0, help_text="Users of all time.")
    first_at = models.DateTimeField(null=True, help_text="Its first event.")
    repeat_days = models.FloatField(null=True, help_text="Days between two purchases of a user.")
    repeat_variance = models.FloatField(null=True, help_text="Of the logarithm of those days.")
    repeat_share = models.FloatField(
        default=0.0, db_default=0.0, help_text="Share of its buyers who bought it again."
    )

    class Meta:
        indexes = (
            models.Index(
                fields=["catalog", "-recent", "-total", "product"], name="popularity_order"
            ),
        )

    def __str__(self) -> str:
        return f"{self.recent:g} of {self.total:g}"


class ProductNeighbor(models.Model):
    """The products that go with a product, strongest first; made anew by each training.

    `together` is co-occurrence among users, normalised by degree. `ease` is the item-item weights
    of EASE, which may be negative; of the most popular products only. `next` is what users came to
    after it. These say what a user may like. `bought` is co-occurrence in baskets: what is bought
    together.
    """

    class Kind(models.TextChoices):
        TOGETHER = "together", "Together"
        EASE = "ease", "EASE"
        NEXT = "next", "Next"
        BOUGHT = "bought", "Bought together"

    # Those that lists for a user are made of.
    OF_TASTE = (Kind.TOGETHER, Kind.EASE, Kind.NEXT)

    # No constraints in the database: each training replaces all rows of a catalog by COPY.
    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", db_constraint=False
    )
    product = models.ForeignKey(
        Product, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    products = ArrayField(models.BigIntegerField())
    scores = ArrayField(models.FloatField())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["product", "kind"], name="neighbor_once_a_kind"),
        )

    def __str__(self) -> str:
        return f"{self.kind} of product {self.product_id}"
