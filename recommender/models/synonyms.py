"""Words that stand for one another in the searches of a catalog."""

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value

from recommender.models.catalog import Catalog

MOST_WORDS, LONGEST = 50, 100
# Words of a phrase; of those that a query has, so many in a row are looked up.
MOST_IN_A_PHRASE = 4


def _phrases() -> "models.CharField[str, str]":
    return models.CharField(max_length=LONGEST)


class Synonyms(models.Model):
    """Words and phrases of a language of customers, and what they mean in the catalog's.

    Without a meaning each stands for all the others; with one, they stand for it and not the other
    way round.
    """

    catalog = models.ForeignKey(
        Catalog, models.CASCADE, verbose_name="catalog", related_name="synonyms"
    )
    words = ArrayField(
        _phrases(),
        size=MOST_WORDS,
        help_text="Words or phrases, separated by commas: couch, sofa, settee.",
    )
    meaning = ArrayField(
        _phrases(),
        size=MOST_WORDS,
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=LONGEST))),
        blank=True,
        help_text="One way: what a search for one of the words finds, too, but not the other way "
        "round. Empty: each of the words stands for all of them.",
    )

    class Meta:
        verbose_name = verbose_name_plural = "synonyms"
        ordering = ("catalog", "id")

    def __str__(self) -> str:
        words = ", ".join(self.words)
        return f"{words} → {', '.join(self.meaning)}" if self.meaning else words

    def clean(self) -> None:
        """See that there is something to stand for something.

        Raises:
            ValidationError: a phrase is empty or too long, or a word is alone.
        """
        self.words = [word.strip() for word in self.words or ()]
        self.meaning = [word.strip() for word in self.meaning or ()]
        for phrase in (*self.words, *self.meaning):
            if not phrase or "\x00" in phrase or len(phrase.split()) > MOST_IN_A_PHRASE:
                raise ValidationError(
                    f"Write phrases of up to {MOST_IN_A_PHRASE} words, with a comma between two."
                )
        if len(set(self.words)) < 2 and not self.meaning:
            raise ValidationError(
                "Write a second word, or what the one means: a word alone stands for nothing else."
            )
