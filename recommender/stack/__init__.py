"""The stack: embedded PostgreSQL and Valkey, or external ones in their place.

Knows nothing of Django's settings, which import it.
"""

from recommender.stack.config import (
    StackConfig,
    StackError,
    broker_url,
    check_secret_key,
    database_parameters,
    database_url,
    limits_url,
    read_config,
    read_or_make_secret_key,
)
from recommender.stack.embedded import ensure_data_dir, ensure_started, stop
from recommender.stack.external import check_pgvector

__all__ = [
    "StackConfig",
    "StackError",
    "broker_url",
    "check_pgvector",
    "check_secret_key",
    "database_parameters",
    "database_url",
    "ensure_data_dir",
    "ensure_started",
    "limits_url",
    "read_config",
    "read_or_make_secret_key",
    "stop",
]
