"""The tables, one file per concept."""

from recommender.models.api_key import ApiKey
from recommender.models.catalog import Catalog
from recommender.models.event import Event, EventKey
from recommender.models.heartbeat import Heartbeat
from recommender.models.popularity import ProductPopularity
from recommender.models.product import Product
from recommender.models.space import Space
from recommender.models.user import User
from recommender.models.vector import EmbeddingClaim, ProductVector, ProfileVector

__all__ = [
    "ApiKey",
    "Catalog",
    "EmbeddingClaim",
    "Event",
    "EventKey",
    "Heartbeat",
    "Product",
    "ProductPopularity",
    "ProductVector",
    "ProfileVector",
    "Space",
    "User",
]
