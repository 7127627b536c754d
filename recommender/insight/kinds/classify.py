"""Which category, or which label, a product belongs to."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StringConstraints, model_validator

from recommender.insight import classes, product_texts
from recommender.insight.classes import Question
from recommender.insight.kind import Finding, InsightError, Kind, Outcome, Parameters
from recommender.models import Catalog, Product

if TYPE_CHECKING:
    from embeddings.base import Embedder
    from recommender.analysis.classification import Answers, Classifier, Examples, HeldOut
    from recommender.analysis.refusals import Refusals
    from recommender.training.fitting import Progress

_MOST_LABELS = 1_000

_Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class ClassifyParameters(Parameters):
    """Into what is classified, and how sure it has to be."""

    labels: list[_Label] | None = Field(
        default=None,
        min_length=1,
        max_length=_MOST_LABELS,
        description="Labels to choose from; by default the catalog's own categories.",
    )
    examples: dict[_Label, list[str]] | None = Field(
        default=None, description="Of labels, ids of products that belong to each."
    )
    depth: int | None = Field(
        default=None, ge=1, le=20, description="So many parts of a category's path; all by default."
    )
    precision: float = Field(
        default=0.95,
        ge=0.5,
        le=0.999,
        description="The wanted share of right ones among sure ones.",
    )
    every: bool = Field(
        default=False,
        description="Judge products that have a category, too, by what else they say.",
    )
    compare: bool = Field(
        default=False,
        description="Measure simpler ways beside it: neighbours, and words of titles.",
    )

    @model_validator(mode="after")
    def _known_labels(self) -> Self:
        unknown = set(self.examples or {}) - set(self.labels or self.examples or {})
        if unknown:
            raise ValueError(f"examples of what is no label: {', '.join(sorted(unknown)[:3])}")
        return self


def check(catalog: Catalog, asked: ClassifyParameters) -> None:
    """See that there are products, and two classes to choose from.

    Raises:
        InsightError: there are not.
    """
    products = Product.objects.filter(catalog=catalog, deleted_at=None)
    if not products.exists():
        raise InsightError("no-products", f"{catalog} has no products yet.")
    if asked.labels or asked.examples:
        labels = sorted({*(asked.labels or ()), *(asked.examples or ())})
        _check_classes(labels, "labels")
        return
    known = products.exclude(category="").values_list("category", flat=True).distinct()
    _check_classes(sorted({classes.shortened(path, asked.depth) for path in known}), "categories")


def run(catalog: Catalog, asked: ClassifyParameters, say: "Progress") -> Outcome:
    """A category or a label for each product that has none, the surest first.

    Raises:
        InsightError: as `check`.
    """
    from recommender.analysis import classification  # noqa: PLC0415 - seconds and memory to load

    check(catalog, asked)
    say("reading products")
    question = _question(catalog, asked)
    embedder = product_texts.embedder_for(catalog)
    learnt_keys, learnt = classes.examples(catalog, question, embedder, say)
    texts = classes.label_vectors(question.labels, embedder)
    figures: dict[str, Any] = {
        "classes": len(question.labels),
        "labelled": int((question.codes >= 0).sum()),
        "learnt_from": len(learnt),
        "model": embedder.spec.key,
    }
    say("learning")
    if is_calibrated := len(np.unique(learnt.codes)) > 1:
        classifier, held_out = classification.fit(
            learnt,
            len(question.labels),
            precision=asked.precision,
            labels=texts if question.by_text else None,
        )
        figures |= _quality(held_out, learnt, asked)
    else:
        sample = next(classes.pages(catalog, question.keys[:1_000], embedder))[1]
        classifier = classification.zero_shot(texts, sample)
    refusals = classes.refusals(catalog, question, learnt, embedder)
    judged = _judge(catalog, question, _Rule(classifier, refusals), embedder, say)
    if asked.every and is_calibrated:
        scores = held_out.log_probabilities(classifier.weight)
        told = classifier.answers(refusals.masked(learnt_keys, scores))
        judged = judged.with_learnt(learnt_keys, told)
    figures |= {
        "accepted": int((question.codes != question.now).sum()),
        "refused": len(question.refused),
        "asked": len(judged.keys),
        "known": int(judged.answers.is_sure.sum()),
        "sure_from": classifier.confidence.sure_chance if classifier.confidence else None,
        "products_per_second": round(len(judged.keys) / max(judged.seconds, 1e-3)),
    }
    return Outcome(
        findings=judged.findings(question, is_calibrated=is_calibrated),
        figures=figures,
        summary=_summary(judged, asked.precision, is_calibrated=is_calibrated),
    )


def _quality(
    held_out: "HeldOut", learnt: "Examples", asked: ClassifyParameters
) -> Mapping[str, Any]:
    from recommender.analysis import (  # noqa: PLC0415 - seconds and memory to load
        classification_quality,
    )

    found = classification_quality.quality(held_out, asked.precision)
    figures: dict[str, Any] = {
        "wanted_precision": asked.precision,
        "held_out": {
            "products": found.products,
            "accuracy": round(found.accuracy, 4),
            "coverage": round(found.coverage, 4),
            "error_rate": round(1 - found.precision, 4),
            "calibration_error": round(found.calibration_error, 4),
        },
    }
    if asked.compare:
        neighbours = classification_quality.neighbours_accuracy(learnt)
        words = classification_quality.words_accuracy(learnt.titles, learnt.codes)
        figures["compared"] = {
            "neighbours": round(neighbours, 4),
            "words_of_titles": round(words, 4),
            "is_better_than_both": found.accuracy > max(neighbours, words),
        }
    return figures


def _question(catalog: Catalog, asked: ClassifyParameters) -> Question:
    if asked.labels is None and asked.examples is None:
        return classes.of_categories(catalog, asked.depth, every=asked.every)
    given = asked.examples or {}
    labels = list(dict.fromkeys([*(asked.labels or ()), *given]))
    return classes.of_labels(catalog, labels, given, asked.depth, every=asked.every)


@dataclass(frozen=True, slots=True)
class _Judged:
    """What was answered about each product that was asked about."""

    keys: NDArray[np.int64]
    answers: "Answers"
    seconds: float  # of the processor

    def with_learnt(self, keys: NDArray[np.int64], told: "Answers") -> "_Judged":
        """The same, but of those that were learnt from what was said without them."""
        from recommender.analysis import classification  # noqa: PLC0415 - as above

        others = np.flatnonzero(~np.isin(self.keys, keys))
        answers = classification.all_answers([self.answers.at(others), told])
        return _Judged(np.append(self.keys[others], keys), answers, self.seconds)

    def findings(self, question: Question, *, is_calibrated: bool) -> Iterator[Finding]:
        """Those that were not known to be so, in the order of products."""
        places = np.searchsorted(question.keys, self.keys)
        refused = set(map(tuple, question.refused.tolist()))
        told = self.answers
        columns = (
            *(self.keys, places, told.codes, told.chances, told.is_sure, told.seconds),
            question.now[places],
        )
        for rows in range(0, len(self.keys), product_texts.PAGE):
            part = (column[rows : rows + product_texts.PAGE].tolist() for column in columns)
            for key, place, code, chance, sure, second, now in zip(*part, strict=True):
                if code != now and (place, code) not in refused:
                    second = -1 if (place, second) in refused else second  # noqa: PLW2901
                    names = [question.labels[at] if at >= 0 else "" for at in (code, second, now)]
                    yield _finding(key, names, chance, sure if is_calibrated else None)


@dataclass(frozen=True, slots=True)
class _Rule:
    """A classifier, and what people refused of its answers."""

    classifier: "Classifier"
    refusals: "Refusals"

    def answers(self, page: product_texts.ProductTexts, vectors: NDArray[np.float32]) -> "Answers":
        if not len(self.refusals.keys):
            return self.classifier.classify(vectors, page.texts)
        scores = self.classifier.log_probabilities(vectors, page.texts)
        discounted = self.refusals.discounted(vectors, scores)
        return self.classifier.answers(self.refusals.masked(page.keys, discounted))


def _judge(
    catalog: Catalog,
    question: Question,
    rule: _Rule,
    embedder: "Embedder",
    say: "Progress",
) -> _Judged:
    from recommender.analysis import classification  # noqa: PLC0415 - seconds and memory to load

    keys, began = question.keys[question.asked], time.process_time()
    read, answers = [np.zeros(0, np.int64)], []
    for page, vectors in classes.pages(catalog, keys, embedder):
        say("classifying", sum(map(len, read)), len(keys))
        read.append(page.keys)
        answers.append(rule.answers(page, vectors))
    seconds = time.process_time() - began
    return _Judged(np.concatenate(read), classification.all_answers(answers), seconds)


def _finding(key: int, names: Sequence[str], chance: float, sure: bool | None) -> Finding:
    label, second, now = names
    why = f"I do not know: {label!r} is right in {chance:.0%} of such cases; maybe {second!r}."
    if sure:
        why = f"{label!r} is right in {chance:.0%} of such cases."
    elif sure is None:
        why = f"Nearest to the text of {label!r}, then of {second!r}; there are no examples."
    data = {"category": label, "known": sure, "second": second, "now": now, "reason": why}
    # Without a threshold it is for the reader to say what is sure.
    return Finding(key, None, "" if sure is False else label, chance, data)


def _summary(judged: _Judged, precision: float, *, is_calibrated: bool) -> str:
    asked, sure = len(judged.keys), int(judged.answers.is_sure.sum())
    if not asked:
        return "No product lacks a category; `every` judges those that have one."
    if not is_calibrated:
        return f"{asked:,} products by labels alone; how often that is right, nobody knows."
    return (
        f"Of {asked:,} products the category of {sure:,} is known with a precision of "
        f"{precision:.0%}; of the others it is a guess."
    )


def _check_classes(found: Sequence[str], noun: str) -> None:
    names = [name for name in found if name]
    if not names:
        raise InsightError(
            "no-categories",
            "No product has a category to learn from; give --labels to choose from.",
        )
    if len(names) == 1:
        raise InsightError(
            "one-class", f"There is one of {noun}, {names[0]!r}; to choose takes two at least."
        )


KIND = Kind(
    name="classify",
    title="Categories",
    help="Which category a product without one belongs to, or which of the labels that you give.",
    parameters=ClassifyParameters,
    run=run,
    check=check,
    examples=("--depth 1", "--labels Coffee Tea Pets --every", "--compare --findings 0"),
)
