import pytest

from recommender.ranking import learning, storage
from recommender.ranking.fusion import FusionRanker
from tests.recommender.ranking.pools import examples


def test_a_ranker_comes_back_as_its_kind():
    for kind in learning.LEARNT_KINDS:
        ranker = learning.learn(kind, [examples(requests=50)])
        assert storage.from_bytes(kind, ranker.to_bytes()).kind == kind
    assert isinstance(storage.from_bytes("fusion", b""), FusionRanker)


def test_a_kind_that_is_not_known_says_what_to_do():
    with pytest.raises(ValueError, match=r"no ranker of kind “forest”\. Train the catalogue"):
        storage.from_bytes("forest", b"")
