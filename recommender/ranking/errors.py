"""Why no rank is learnt."""


class RankingError(Exception):
    """A rank cannot be learnt; the message says why and what to do."""


class TooFewExamples(RankingError):  # noqa: N818 - the name says that more of them will do
    """There is too little to learn a rank from; reciprocal-rank fusion needs nothing."""
