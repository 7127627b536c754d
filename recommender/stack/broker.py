"""Whether a broker answers."""

from kombu import Connection
from kombu.exceptions import OperationalError


def problem(url: str, seconds: int) -> str | None:
    """Why the broker at this URL does not answer within so many seconds; None if it does."""
    options = {"socket_connect_timeout": seconds, "socket_timeout": seconds}
    with Connection(url, connect_timeout=seconds, transport_options=options) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=seconds)
        except (OperationalError, OSError) as exc:
            return str(exc).rstrip(".")
    return None
