"""The tables, one file per concept."""

from recommender.models.api_key import ApiKey
from recommender.models.catalog import Catalog
from recommender.models.embedding_cache import CachedEmbedding
from recommender.models.event import Event, EventKey
from recommender.models.heartbeat import Heartbeat
from recommender.models.neighbour import ProductNeighbor
from recommender.models.popularity import ProductPopularity
from recommender.models.product import Product
from recommender.models.provider import ProviderCircuit, RatePace
from recommender.models.quarantine import QuarantinedProduct
from recommender.models.space import Space
from recommender.models.spend import EmbeddingSpend
from recommender.models.training import EvaluationRun, Mode, Ranker, TrainingRun
from recommender.models.user import User
from recommender.models.vector import EmbeddingClaim, ProductVector, ProfileVector

__all__ = [
    "ApiKey",
    "CachedEmbedding",
    "Catalog",
    "EmbeddingClaim",
    "EmbeddingSpend",
    "EvaluationRun",
    "Event",
    "EventKey",
    "Heartbeat",
    "Mode",
    "Product",
    "ProductNeighbor",
    "ProductPopularity",
    "ProductVector",
    "ProfileVector",
    "ProviderCircuit",
    "QuarantinedProduct",
    "Ranker",
    "RatePace",
    "Space",
    "TrainingRun",
    "User",
]
