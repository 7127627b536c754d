import numpy as np
import pytest

from recommender.ranking.pool import CandidatePool


def test_requests_that_do_not_make_up_the_candidates_are_refused():
    with pytest.raises(ValueError, match="3 candidates, but there are 2 products"):
        CandidatePool(sizes=np.array([1, 2]), products=np.arange(2), channels={}, facts={})
