"""Fixtures of the whole suite."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from django.test import override_settings
from hypothesis import HealthCheck, settings

from recommender.catalog import catalogs
from recommender.engine import answer_log
from recommender.models import Catalog
from tests.shop import Shop
from tests.workers.broker import Broker
from workers import celery_app, tasks

# A busy machine must fail no property, and no run depends on an earlier one. Examples share what
# fixtures made: none of it is changed by them, or all see the same change.
settings.register_profile(
    "suite",
    deadline=None,
    database=None,
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
settings.load_profile("suite")

# `recommender.asgi` has a thread write what was answered: on a connection of its own, past the
# transaction of a test. Here a test that wants it written flushes the writer.
patch.object(answer_log.Writer, "start").start()


@pytest.fixture(autouse=True, scope="session")
def quick_passwords() -> Iterator[None]:
    """The real hash is slow, as it should be, and hundreds of tests make an administrator."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture
def shop(db: None) -> Shop:
    """An empty shop, in a transaction that is rolled back."""
    return Shop.open()


@pytest.fixture
def committed_shop(transactional_db: None) -> Iterator[Shop]:
    """An empty shop that other connections see, too."""
    yield Shop.open()
    # The partitioned tables are not Django's to empty.
    for catalog in Catalog.objects.all():
        catalogs.delete_catalog(catalog)


@pytest.fixture
def broker() -> Iterator[Broker]:
    """The broker, with no task waiting."""
    celery_app.loader.import_default_modules()  # the tasks, as a worker does when it starts
    with celery_app.connection_for_read() as connection:
        broker = Broker(connection)
        broker.take()
        # A worker lives with one database; here the next test has another.
        tasks._seen_to.clear()
        yield broker
        broker.take()
