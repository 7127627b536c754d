"""Checks of what an operator forgets; each finding says how to mend it."""

from recommender.monitoring.doctor.examination import examine
from recommender.monitoring.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
