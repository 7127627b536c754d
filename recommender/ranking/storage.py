"""Rankers as bytes, and back."""

from collections.abc import Callable, Mapping

from recommender.ranking.blend import BlendRanker
from recommender.ranking.fusion import FusionRanker
from recommender.ranking.lambdamart import LambdaMartRanker
from recommender.ranking.logistic import LogisticRanker
from recommender.ranking.ranker import Ranker

_READERS: Mapping[str, Callable[[bytes], Ranker]] = {
    FusionRanker.kind: FusionRanker.from_bytes,
    LogisticRanker.kind: LogisticRanker.from_bytes,
    LambdaMartRanker.kind: LambdaMartRanker.from_bytes,
    BlendRanker.kind: BlendRanker.from_bytes,
}


def from_bytes(kind: str, data: bytes) -> Ranker:
    """The ranker whose `kind` and `to_bytes()` these are.

    Raises:
        ValueError: there is no such kind, or the bytes are not of it: another version learnt it.
    """
    if kind not in _READERS:
        raise ValueError(f"There is no ranker of kind “{kind}”. Train the catalogue again.")
    try:
        return _READERS[kind](data)
    except (KeyError, ValueError) as exc:
        raise ValueError(
            f"The stored ranker of kind “{kind}” is of another version. Train the catalogue again."
        ) from exc
