import pytest

from recommender.catalog import keys
from recommender.models import ApiKey
from tests.shop import Shop

SCOPES = list(ApiKey.Scope)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_is_recognised_by_what_was_shown_once(shop: Shop, scope: str) -> None:
    plain = keys.create_key(shop.catalog, scope, "till 3")

    found = keys.find_key(plain)

    assert found is not None
    assert (found.catalog, found.scope, found.label) == (shop.catalog, scope, "till 3")
    assert plain.startswith(found.prefix)


def test_what_is_stored_does_not_give_the_key_away(shop: Shop) -> None:
    plain = keys.create_key(shop.catalog, ApiKey.Scope.SERVER)

    row = ApiKey.objects.values().get()

    assert plain not in str(row)
    assert bytes(row["digest"]) == keys.digest(plain)
    assert len(plain) - len(row["prefix"]) >= 24


def test_keys_are_never_alike(shop: Shop) -> None:
    made = {keys.create_key(shop.catalog, ApiKey.Scope.BROWSER) for _ in range(20)}

    assert len(made) == 20


@pytest.mark.parametrize("plain", ["", "kin_ser_", "kin_ser_0000", "ключ"])
def test_what_is_no_key_is_not_recognised(shop: Shop, plain: str) -> None:
    keys.create_key(shop.catalog, ApiKey.Scope.SERVER)

    assert keys.find_key(plain) is None


def test_a_revoked_key_is_unknown_and_the_others_stay(shop: Shop) -> None:
    first, second = (keys.create_key(shop.catalog, ApiKey.Scope.SERVER) for _ in range(2))
    row = keys.find_key(first)
    assert row is not None

    keys.revoke(row)

    assert keys.find_key(first) is None
    assert keys.find_key(second) is not None
