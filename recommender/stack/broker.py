"""An external broker: whether it can be reached. Apart, as kombu costs every start 20 ms."""

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
    options = {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    with Connection(url, connect_timeout=seconds, transport_options=options) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=seconds)
        except (OperationalError, OSError) as exc:
            return str(exc).rstrip(".")
    return None
