"""Callers of the shop over REST."""

from tests.recommender.api.conftest import api, browser, stranger

__all__ = ["api", "browser", "stranger"]
