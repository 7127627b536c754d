"""What a classification is asked: classes, products of known ones, and those to be judged."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from recommender.insight import product_texts
from recommender.insight.kind import InsightError
from recommender.models import Catalog, CategoryDecision, Product

if TYPE_CHECKING:
    from embeddings.base import Embedder
    from recommender.analysis.classification import Examples
    from recommender.analysis.refusals import Refusals
    from recommender.training.fitting import Progress

_T = TypeVar("_T")

# What a label's vector is the mean of, as Radford et al. (CLIP, 2021) ask their templates.
_TEMPLATES = ("{}", "{} products", "a product of the category {}", "{}, buy online")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: classes, products of known ones, and those to be judged."""

    labels: list[str]
    keys: NDArray[np.int64]  # of all products
    now: NDArray[np.int64]  # the class of each as its category or an example says, -1 for none
    codes: NDArray[np.int64]  # the same, or what somebody accepted for it
    asked: NDArray[np.bool_]
    by_text: bool  # whether the labels' texts tell something, as those that somebody gave
    refused: NDArray[np.int64]  # places of products and the classes refused, (refusals, 2)


def of_categories(catalog: Catalog, depth: int | None, *, every: bool) -> Question:
    """Which of the catalog's own categories each product belongs to.

    Args:
        depth: so many parts of a path count; None for all.
        every: ask about products that have one, too.
    """
    keys, paths = product_texts.categories(catalog)
    cut = [shortened(path, depth) for path in paths]
    decided = _decided(catalog, depth)
    accepted = {label for _, label, is_accepted in decided if is_accepted}
    labels = sorted({path for path in cut if path} | accepted)
    now = _codes(cut, labels)
    return _question(labels, keys, now, decided, every=every, by_text=False)


def of_labels(
    catalog: Catalog,
    labels: Sequence[str],
    examples: Mapping[str, Sequence[str]],
    depth: int | None,
    *,
    every: bool,
) -> Question:
    """Which of some labels each product belongs to; a category of that name tells it, too.

    Args:
        examples: of labels, ids of products that belong to each.

    Raises:
        InsightError: an example names no product.
    """
    keys, paths = product_texts.categories(catalog)
    now = _codes([shortened(path, depth) for path in paths], labels)
    given = {key: label for label, ids in examples.items() for key in ids}
    found = _keys(catalog, list(given))
    for key, label in given.items():
        now[np.searchsorted(keys, found[key])] = labels.index(label)
    return _question(list(labels), keys, now, _decided(catalog, depth), every=every, by_text=True)


def _decided(catalog: Catalog, depth: int | None) -> list[tuple[int, str, bool]]:
    """Products, and the categories that somebody accepted or refused for them."""
    decisions = CategoryDecision.objects.filter(catalog=catalog).order_by("decided_at", "pk")
    rows = decisions.values_list("product_id", "category", "is_accepted")
    return [(key, shortened(category, depth), is_accepted) for key, category, is_accepted in rows]


def _question(
    labels: list[str],
    keys: NDArray[np.int64],
    now: NDArray[np.int64],
    decided: Sequence[tuple[int, str, bool]],
    *,
    every: bool,
    by_text: bool,
) -> Question:
    """The question with what people decided; a category that a product has says more than that."""
    codes, refused = now.copy(), []
    place_of, code_of = _places(keys.tolist()), _places(labels)
    for key, label, is_accepted in decided:
        place, code = place_of.get(key), code_of.get(label)
        if place is None or code is None:
            continue
        if not is_accepted:
            refused.append((place, code))
        elif now[place] < 0:
            codes[place] = code
    pairs = np.array(refused, dtype=np.int64).reshape(-1, 2)
    return Question(labels, keys, now, codes, (now < 0) | every, by_text, pairs)


def shortened(path: str, depth: int | None) -> str:
    """The first parts of a category's path."""
    return "/".join(path.split("/")[:depth]) if depth else path


def _keys(catalog: Catalog, ids: Sequence[str]) -> dict[str, int]:
    """Keys of products by their ids.

    Raises:
        InsightError: there is no such product.
    """
    products = Product.objects.filter(catalog=catalog, deleted_at=None, external_id__in=ids)
    found = dict(products.values_list("external_id", "pk"))
    if missing := [key for key in ids if key not in found]:
        names = ", ".join(map(repr, missing[:3]))
        raise InsightError(
            "unknown-product", f"Examples name products that are not there: {names}."
        )
    return found


def _places(values: Iterable[_T]) -> dict[_T, int]:
    return {value: place for place, value in enumerate(values)}


def _codes(paths: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    places = _places(labels)
    return np.array([places.get(path, -1) for path in paths], dtype=np.int64)


def examples(
    catalog: Catalog, question: Question, embedder: "Embedder", say: "Progress"
) -> "tuple[NDArray[np.int64], Examples]":
    """The products of known classes, or a sample of them: their keys, and what they say."""
    from recommender.analysis import classification  # noqa: PLC0415 - seconds and memory to load

    labelled = np.flatnonzero(question.codes >= 0)
    rows = labelled[classification.sample(question.codes[labelled])]
    parts: list[Examples] = []
    read = [np.zeros(0, dtype=np.int64)]
    for page, vectors in pages(catalog, question.keys[rows], embedder):
        say("reading examples", sum(map(len, parts)), len(rows))
        codes = question.codes[np.searchsorted(question.keys, page.keys)]
        read.append(page.keys)
        parts.append(classification.Examples(vectors, page.texts, codes, page.titles))
    return np.concatenate(read), classification.joined(parts, embedder.spec.dimension)


def refusals(
    catalog: Catalog, question: Question, learnt: "Examples", embedder: "Embedder"
) -> "Refusals":
    """What somebody refused, with the vectors of those products and of the known ones."""
    from recommender.analysis.refusals import Refusals  # noqa: PLC0415 - memory to load

    keys, codes = question.keys[question.refused[:, 0]], question.refused[:, 1]
    read, parts = [np.zeros(0, dtype=np.int64)], [learnt.vectors[:0]]
    for page, vectors in pages(catalog, np.unique(keys), embedder):
        read.append(page.keys)
        parts.append(vectors)
    products, known = np.concatenate(read), np.concatenate(parts)
    is_there = np.isin(keys, products)  # the others have been deleted meanwhile
    keys, codes = keys[is_there], codes[is_there]
    vectors = known[np.searchsorted(products, keys)]
    return Refusals(keys, codes, vectors, learnt.vectors, learnt.codes)


def pages(
    catalog: Catalog, keys: NDArray[np.int64], embedder: "Embedder"
) -> Iterator[tuple[product_texts.ProductTexts, NDArray[np.float32]]]:
    for page in product_texts.read(catalog, keys):
        yield page, product_texts.embedded(embedder, page.texts)


def label_vectors(labels: Sequence[str], embedder: "Embedder") -> NDArray[np.float32]:
    """The mean of a label's texts by all templates; shape (labels, dimensions)."""
    spoken = [", ".join(reversed([part.strip() for part in one.split("/")])) for one in labels]
    texts = [template.format(one) for one in spoken for template in _TEMPLATES]
    vectors = product_texts.embedded(embedder, texts)
    means: NDArray[np.float32] = vectors.reshape(len(labels), len(_TEMPLATES), -1).mean(axis=1)
    return means
