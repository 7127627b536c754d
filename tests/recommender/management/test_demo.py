from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command

from recommender.catalog import keys, sample
from recommender.demo import SEED, shoppers
from recommender.management.commands import demo
from recommender.models import Catalog, User
from tests.shop import Shop


@pytest.fixture
def file() -> Iterator[Path]:
    """Where the demo keeps its login and key."""
    path = settings.STACK.data_dir / "demo.json"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def reset() -> str:
    printed = StringIO()
    call_command("demo", "--reset-only", stdout=printed)
    return printed.getvalue()


def test_a_second_start_prints_the_login_and_key_of_the_first(shop: Shop, file: Path) -> None:
    first = demo._credentials(shop.catalog)

    assert demo._credentials(shop.catalog) == first
    key = keys.find_key(first["key"])
    assert key is not None
    assert key.catalog == shop.catalog
    admin = authenticate(username="admin", password=first["password"])
    assert admin is not None
    assert admin.is_superuser


def test_nobody_else_may_read_them(shop: Shop, file: Path) -> None:
    demo._credentials(shop.catalog)

    assert file.stat().st_mode & 0o777 == 0o600


def test_what_no_longer_works_is_made_anew(shop: Shop, file: Path) -> None:
    first = demo._credentials(shop.catalog)
    row = keys.find_key(first["key"])
    assert row is not None
    keys.revoke(row)
    get_user_model().objects.all().delete()

    second = demo._credentials(shop.catalog)

    assert keys.find_key(second["key"]) is not None
    assert authenticate(username="admin", password=second["password"]) is not None


@pytest.mark.parametrize(
    "damaged",
    [
        *(b'{"password": "x', b"", b"[]", b"null", b'{"key": 1}', b"\xff\xfe", b"[" * 100_000),
        *(b'{"key": "\\ud800", "password": null}', b'{"key": "\\ud800", "password": ""}'),
    ],
)
def test_a_file_that_is_damaged_is_written_anew(shop: Shop, file: Path, damaged: bytes) -> None:
    first = demo._credentials(shop.catalog)
    file.write_bytes(damaged)

    second = demo._credentials(shop.catalog)

    assert second["key"] not in {"", first["key"]}
    assert demo._credentials(shop.catalog) == second


def test_a_password_that_somebody_chose_stays(shop: Shop, file: Path) -> None:
    demo._credentials(shop.catalog)
    admin = get_user_model().objects.get(username="admin")
    admin.set_password("a long password of mine")
    admin.save()

    assert demo._credentials(shop.catalog)["password"] == ""
    assert authenticate(username="admin", password="a long password of mine") is not None


def test_a_reset_removes_the_sample_store_and_nothing_else(
    committed_shop: Shop, file: Path
) -> None:
    sample.load()
    file.write_text("{}")

    assert reset() == "The sample store is gone; `make demo` makes it anew.\n"

    assert list(Catalog.objects.all()) == [committed_shop.catalog]
    assert not User.objects.exists()
    assert not file.exists()
    assert reset() == "There is no sample store; `make demo` makes it.\n"


def test_the_shopper_whom_it_shows_is_in_the_store() -> None:
    assert demo._SHOPPER in {shopper.external_id for shopper in shoppers(SEED)}
