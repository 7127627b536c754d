"""A broker: whether it can be reached, what it says of itself. kombu costs every start 20 ms."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kombu import Connection
from kombu.exceptions import OperationalError

from recommender.stack.config import StackConfig, StackError, broker_url, without_password

_CONNECT_SECONDS = 5


def check_broker(config: StackConfig) -> None:
    """Check an external broker.

    Raises:
        StackError: it cannot be reached.
    """
    if config.broker_url is None:
        return
    url = broker_url(config)
    if reason := broker_problem(url, _CONNECT_SECONDS):
        raise StackError(
            f"Cannot connect to the broker {without_password(url)}: {reason}. "
            "Check that it runs and that BROKER_URL is right, or unset BROKER_URL to use the "
            "embedded Valkey."
        )


def broker_problem(url: str, seconds: int) -> str | None:
    """Why the broker at this URL does not answer within so many seconds; None if it does."""
    try:
        with _connection(url, seconds):
            return None
    except (OperationalError, OSError) as exc:
        return str(exc).rstrip(".")


def waiting_messages(url: str, queue: str, seconds: int) -> int:
    """How many messages of a queue no worker has taken up.

    Raises:
        OperationalError: the broker does not answer within so many seconds; OSError, too.
    """
    with _connection(url, seconds) as connection:
        channel: Any = connection.default_channel
        try:
            return int(channel.queue_declare(queue, passive=True).message_count)
        except connection.channel_errors:
            # Valkey forgets a queue that is empty, and RabbitMQ has none before the first worker.
            return 0


def eviction_policy(url: str, seconds: int) -> str | None:
    """What Valkey or Redis removes when its memory is full; None of another broker.

    Raises:
        OperationalError: the broker does not answer within so many seconds; OSError, too.
    """
    with _connection(url, seconds) as connection:
        client = getattr(connection.default_channel, "client", None)
        return None if client is None else str(client.info("memory")["maxmemory_policy"])


@contextmanager
def _connection(url: str, seconds: int) -> Iterator[Connection]:
    options = {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    with Connection(url, connect_timeout=seconds, transport_options=options) as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, timeout=seconds)
        yield connection
