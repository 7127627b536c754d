import numpy as np
import pytest

from recommender import array_bytes
from recommender.ranking import storage
from recommender.ranking.fusion import FusionRanker
from tests.recommender.ranking.tables import LEARNT_KINDS, examples, learnt


def test_a_ranker_comes_back_as_its_kind():
    for kind in LEARNT_KINDS:
        ranker = learnt(kind, [examples(requests=50)])
        assert storage.from_bytes(kind, ranker.to_bytes()).kind == kind
    assert isinstance(storage.from_bytes("fusion", b""), FusionRanker)


def test_a_kind_that_is_not_known_says_what_to_do():
    with pytest.raises(ValueError, match=r"no ranker of kind “forest”\. Train the catalogue"):
        storage.from_bytes("forest", b"")


def test_what_another_version_learnt_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match="Train the catalogue again"):
        storage.from_bytes("blend", array_bytes.pack({"lambdamart": np.zeros(1)}))
    with pytest.raises(ValueError, match="Train the catalogue again"):
        storage.from_bytes("logistic", b"PK no archive")
