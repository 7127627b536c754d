"""The tables, one file per concept."""

from recommender.models.access import ApiKey, CatalogAccess, SignInTries
from recommender.models.catalog import Catalog
from recommender.models.effect import EffectFigure, LateDay, LostAnswers, Recommendation
from recommender.models.event import Event, EventKey, User, UserMerge
from recommender.models.experiment import Experiment
from recommender.models.feed import Feed
from recommender.models.insight import CategoryDecision, InsightFinding, InsightRun
from recommender.models.merge import MergedEvent, ProductMerge
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
    Forgotten,
    Mode,
    ProductNeighbor,
    ProductPopularity,
    Ranker,
    TrainingRun,
)
from recommender.models.upload import Upload
from recommender.models.webhook import Webhook, WebhookDelivery

__all__ = [
    "ApiKey",
    "CachedEmbedding",
    "Catalog",
    "CatalogAccess",
    "CategoryDecision",
    "EffectFigure",
    "EmbeddingClaim",
    "EmbeddingSpend",
    "EvaluationRun",
    "Event",
    "EventKey",
    "Experiment",
    "Feed",
    "FetchedFile",
    "Forgotten",
    "Heartbeat",
    "InsightFinding",
    "InsightRun",
    "LateDay",
    "LostAnswers",
    "MergedEvent",
    "Mode",
    "Placement",
    "PlacementVersion",
    "Product",
    "ProductMerge",
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
    "Upload",
    "User",
    "UserMerge",
    "Webhook",
    "WebhookDelivery",
]
