"""The tables, one file per concept."""

from recommender.models.access import ApiKey, SignInTries
from recommender.models.catalog import Catalog
from recommender.models.effect import EffectFigure, LateDay, LostAnswers, Recommendation
from recommender.models.event import Event, EventKey, User
from recommender.models.experiment import Experiment
from recommender.models.feed import Feed
from recommender.models.insight import InsightFinding, InsightRun
from recommender.models.placement import Placement, PlacementVersion
from recommender.models.product import Product
from recommender.models.provider import (
    CachedEmbedding,
    EmbeddingSpend,
    Heartbeat,
    ProviderCircuit,
    RateLimit,
)
from recommender.models.search import SearchDocument, SearchOutcome, SearchWord
from recommender.models.search_redirect import SearchRedirect
from recommender.models.space import (
    EmbeddingClaim,
    ProductVector,
    ProfileVector,
    QuarantinedProduct,
    Space,
)
from recommender.models.sync import FetchedFile, SeenProduct, Sync
from recommender.models.synonyms import Synonyms
from recommender.models.training import (
    EvaluationRun,
    Mode,
    ProductNeighbor,
    ProductPopularity,
    Ranker,
    TrainingRun,
)

__all__ = [
    "ApiKey",
    "CachedEmbedding",
    "Catalog",
    "EffectFigure",
    "EmbeddingClaim",
    "EmbeddingSpend",
    "EvaluationRun",
    "Event",
    "EventKey",
    "Experiment",
    "Feed",
    "FetchedFile",
    "Heartbeat",
    "InsightFinding",
    "InsightRun",
    "LateDay",
    "LostAnswers",
    "Mode",
    "Placement",
    "PlacementVersion",
    "Product",
    "ProductNeighbor",
    "ProductPopularity",
    "ProductVector",
    "ProfileVector",
    "ProviderCircuit",
    "QuarantinedProduct",
    "Ranker",
    "RateLimit",
    "Recommendation",
    "SearchDocument",
    "SearchOutcome",
    "SearchRedirect",
    "SearchWord",
    "SeenProduct",
    "SignInTries",
    "Space",
    "Sync",
    "Synonyms",
    "TrainingRun",
    "User",
]
