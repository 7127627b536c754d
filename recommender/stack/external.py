"""Whether the external servers, where they are used, can be."""

from recommender.stack import broker
from recommender.stack.config import StackConfig, broker_url, without_password
from recommender.stack.errors import StackError
from recommender.stack.pgvector import check_pgvector

_CONNECT_SECONDS = 5


def check_database(config: StackConfig) -> None:
    """Check an external database; an embedded one is checked when it starts.

    Raises:
        StackError: it cannot be reached, or has no usable pgvector.
    """
    if config.database_url is not None:
        check_pgvector(config.database_url)


def check_broker(config: StackConfig) -> None:
    """Check an external broker.

    Raises:
        StackError: it cannot be reached.
    """
    if config.broker_url is None:
        return
    url = broker_url(config)
    if reason := broker.problem(url, _CONNECT_SECONDS):
        raise StackError(
            f"Cannot connect to the broker {without_password(url)}: {reason}. "
            "Check that it runs and that BROKER_URL is right, or unset BROKER_URL to use the "
            "embedded Valkey."
        )
