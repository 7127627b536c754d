"""Whether the external servers, where they are used, can be."""

from kombu import Connection
from kombu.exceptions import OperationalError

from recommender.stack.config import StackConfig, broker_url
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
    options = {"socket_connect_timeout": _CONNECT_SECONDS, "socket_timeout": _CONNECT_SECONDS}
    with Connection(url, connect_timeout=_CONNECT_SECONDS, transport_options=options) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_CONNECT_SECONDS)
        except OperationalError as exc:
            raise StackError(
                f"Cannot connect to the broker {connection.as_uri()}: {str(exc).rstrip('.')}. "
                "Check that it runs and that BROKER_URL is right, or unset BROKER_URL to use the "
                "embedded Valkey."
            ) from exc
