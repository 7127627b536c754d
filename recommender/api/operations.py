"""The lists that can be asked for, by name: what goes on from a list or asks for several takes."""

from collections.abc import Mapping

from recommender.api import recommendations, related, search
from recommender.api.listing import Operation

OPERATIONS: Mapping[str, Operation] = {
    operation.name: operation
    for operation in (
        recommendations.AD_HOC,
        recommendations.FOR_USER,
        related.SIMILAR,
        related.BOUGHT_TOGETHER,
        related.COMPLEMENTS,
        recommendations.POPULAR,
        recommendations.TRENDING,
        recommendations.NEW,
        search.SEARCH,
    )
}
