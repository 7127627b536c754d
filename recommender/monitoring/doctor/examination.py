"""All checks in turn; one that cannot be made is a finding itself."""

from collections.abc import Callable, Iterator, Mapping

from django.db import Error as DatabaseError
from kombu.exceptions import OperationalError

from recommender.monitoring.doctor import database_checks, service_checks
from recommender.monitoring.doctor.finding import Finding, Level, error

_CHECKS: Mapping[str, Callable[[], Iterator[Finding]]] = {
    **database_checks.CHECKS,
    **service_checks.CHECKS,
}


def examine() -> Iterator[Finding]:
    """What each check found, as soon as it has; that all is well where it found nothing."""
    for name, check in _CHECKS.items():
        try:
            findings = list(check())
        except (DatabaseError, OperationalError, OSError) as exc:
            mend = "see that the servers answer, and let their user read their statistics"
            findings = [error(name, f"cannot be checked: {str(exc).strip()}", mend)]
        yield from findings or [Finding(name, Level.OK)]
