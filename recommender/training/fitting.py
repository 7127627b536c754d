"""Fitting behaviour to what had happened before a time: factors and neighbours."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from scipy.sparse import csr_array

from recommender.behaviour import neighbours, prediction
from recommender.behaviour.ease import Ease
from recommender.behaviour.interactions import preferences
from recommender.behaviour.prediction import Prediction
from recommender.behaviour.trainer import Trainer, trainers
from recommender.behaviour.transitions import transitions
from recommender.models import ProductNeighbor, Space, TrainingRun
from recommender.snapshot.snapshot import Snapshot, SpaceArrays

Item = TypeVar("Item")
Kind = ProductNeighbor.Kind

_TELL_EVERY = 0.5  # seconds

DONE, KEPT, SKIPPED = TrainingRun.Outcome.values


class Progress(Protocol):
    """Is told how far work is, as often as it gets on."""

    def __call__(self, text: str, done: int = 0, total: int = 0, /) -> None:
        """What is done now, and how many of its parts are done, where they can be counted."""


def silent(_text: str, _done: int = 0, _total: int = 0, /) -> None:
    """Progress that nobody wants to know of."""


def counted(items: Iterable[Item], text: str, total: int, progress: Progress) -> Iterator[Item]:
    """The items, telling how many of them are done, twice a second at most."""
    next_at = 0.0
    for done, item in enumerate(items):
        if time.monotonic() >= next_at:
            progress(text, done, total)
            next_at = time.monotonic() + _TELL_EVERY
        yield item


@dataclass(frozen=True, slots=True)
class Outcome:
    """`kept`: what served before goes on serving; `skipped`: there was too little to learn from.

    `text` is a sentence for a person; `figures` are numbers by name, as JSON has them.
    """

    outcome: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)


# With fewer events there is nothing to factorise.
MIN_EVENTS = 100
MIN_USERS = 10
MIN_PRODUCTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a trainer learnt as of a time; products without history have a predicted vector."""

    trainer: Trainer
    space: SpaceArrays
    is_trained: np.ndarray[tuple[int], np.dtype[np.bool_]]
    prediction: Prediction | None
    seconds: float


def shortage(snapshot: Snapshot) -> str | None:
    """Why there is too little history to learn from; None where there is enough."""
    positive = snapshot.interactions.positive()
    users, products = len(np.unique(positive.users)), len(np.unique(positive.products))
    if len(positive) >= MIN_EVENTS and users >= MIN_USERS and products >= MIN_PRODUCTS:
        return None
    return (
        f"There are {len(positive):,} events of {users:,} users with {products:,} products; at "
        f"least {MIN_EVENTS}, {MIN_USERS} and {MIN_PRODUCTS} are needed."
    )


def fit(snapshot: Snapshot, progress: Progress = silent) -> Snapshot:
    """The snapshot with what its history teaches; as it is where that is too little."""
    if shortage(snapshot) is not None:
        return snapshot.with_behaviour((), {})
    spaces = [fitted.space for fitted in fit_spaces(snapshot, progress)]
    return snapshot.with_behaviour(spaces, fit_neighbours(snapshot, progress))


def fit_spaces(snapshot: Snapshot, progress: Progress = silent) -> Sequence[Trained]:
    """Every trainer's factors of the snapshot's history."""
    matrix = preferences(
        snapshot.interactions, half_life_days=snapshot.half_life_days, clock=snapshot.clock
    )
    trained = []
    for trainer in trainers(snapshot.learners):
        text = f"training {trainer.name}"
        progress(text)
        trained.append(_fit(snapshot, trainer, matrix, partial(progress, text)))
    return trained


def fit_neighbours(snapshot: Snapshot, progress: Progress = silent) -> Mapping[str, csr_array]:
    """Co-occurrence, EASE weights and transitions of the snapshot's history, by kind.

    Without transitions where times tell no order.
    """
    binary = snapshot.interactions.positive().binary()
    progress("counting which products go together")
    learners = snapshot.learners
    together = neighbours.cooccurrence(binary, settings=learners.cooccurrence)
    progress("learning EASE")
    weights = Ease.of(binary, learners.cooccurrence).weights(learners.ease.l2)
    progress("counting which products follow each other")
    follows = transitions(
        snapshot.interactions, half_life_days=snapshot.half_life_days, clock=snapshot.clock
    )
    fitted = {str(Kind.TOGETHER): together, str(Kind.EASE): weights}
    return {**fitted, str(Kind.NEXT): follows} if follows.nnz else fitted


def content_space(snapshot: Snapshot) -> SpaceArrays | None:
    """The space that vectors of behaviour are predicted from."""
    texts = (space for space in snapshot.spaces if space.kind == Space.Kind.TEXT)
    return next(texts, None)


def _fit(
    snapshot: Snapshot, trainer: Trainer, matrix: csr_array, advance: Callable[[int, int], None]
) -> Trained:
    started = time.monotonic()
    factors = trainer.fit(matrix, advance)
    vectors = factors.products.copy()
    is_trained = np.any(vectors != 0, axis=1)
    learnt = None
    content = content_space(snapshot)
    if content is not None:
        both = is_trained & content.has
        learnt = prediction.fit(content.vectors[both], vectors[both], metric=trainer.metric)
        lacking = ~is_trained & content.has
        if learnt is not None and lacking.any():
            vectors[lacking] = learnt.predict(content.vectors[lacking])
    space = SpaceArrays(
        kind=Space.Kind.BEHAVIOUR,
        name=trainer.name,
        metric=trainer.metric,
        vectors=vectors,
        fold_in=factors.fold_in,
    )
    return Trained(
        trainer=trainer,
        space=space,
        is_trained=is_trained,
        prediction=learnt,
        seconds=time.monotonic() - started,
    )
