"""Learning a rank from examples."""

from collections.abc import Callable, Mapping, Sequence

from recommender.ranking import blend, lambdamart, logistic
from recommender.ranking.examples import Examples, Sample, sample
from recommender.ranking.ranker import Ranker

_FITS: Mapping[str, Callable[[Sample], Ranker]] = {
    "logistic": logistic.fit,
    "lambdamart": lambdamart.fit,
    "blend": blend.fit,
}
LEARNT_KINDS = tuple(_FITS)


def learn(kind: str, moments: Sequence[Examples]) -> Ranker:
    """A ranker of a kind, learnt from what users wanted after several moments.

    The same examples give the same ranker, byte for byte.

    Raises:
        TooFewExamples: fewer than 50 requests had a candidate that was wanted.
    """
    return _FITS[kind](sample(moments))
