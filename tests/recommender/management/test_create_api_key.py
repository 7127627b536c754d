from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from recommender.catalog.keys import find_key, token_secrets


def create(*arguments: str) -> tuple[str, str]:
    output, notes = StringIO(), StringIO()
    call_command("create_api_key", *arguments, stdout=output, stderr=notes)
    return output.getvalue(), notes.getvalue()


@pytest.mark.parametrize("scope", ["server", "browser"])
def test_the_key_and_nothing_else_is_printed_for_scripts(shop, scope):
    output, notes = create("shop", "--scope", scope, "--label", "nightly sync")
    key = find_key(output.strip())
    assert key is not None
    assert (key.catalog, key.scope, key.label) == (shop.catalog, scope, "nightly sync")
    assert output.count("\n") == 1
    assert "only time" in notes


def test_a_token_secret_is_told_to_be_kept_on_the_server(shop):
    output, notes = create("shop", "--scope", "token")
    assert output.strip() in token_secrets(shop.catalog)
    assert "Keep it on your server" in notes
    assert "Bearer" not in notes


def test_each_key_is_another(shop):
    assert create("shop", "--scope", "server") != create("shop", "--scope", "server")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere", "--scope", "server"), "no catalog 'nowhere'.*create_catalog nowhere"),
        (("shop", "--scope", "owner"), "invalid choice: 'owner'"),
        (("shop",), "--scope"),
        (("shop", "--scope", "server", "--label", "x" * 101), "longer than 100"),
    ],
)
def test_what_cannot_be_says_why(shop, arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        create(*arguments)
    assert not shop.catalog.api_keys.exists()


def test_limits_are_the_keys_own(shop):
    output, _ = create(
        *("shop", "--scope", "browser", "--origin", "https://a.test", "--origin", "https://b.test"),
        *("--per-minute", "100", "--per-address-minute", "10", "--per-day", "1000"),
        *("--expires-in", "90d"),
    )
    key = find_key(output.strip())
    assert key is not None
    assert key.origins == ["https://a.test", "https://b.test"]
    limits = (key.requests_per_minute, key.address_per_minute, key.requests_per_day)
    assert limits == (100, 10, 1000)
    assert timedelta(days=89) < key.expires_at - timezone.now() < timedelta(days=91)


def test_a_key_takes_the_place_of_another(shop):
    old = create("shop", "--scope", "server", "--label", "nightly", "--per-minute", "7")[0].strip()
    new = create("shop", "--rotate", old[:12], "--overlap", "2h")[0].strip()
    made, before = find_key(new), find_key(old)
    assert (made.scope, made.label, made.requests_per_minute) == ("server", "nightly", 7)
    assert timedelta(hours=1) < before.expires_at - timezone.now() < timedelta(hours=3)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("shop",), "Give --scope, or --rotate PREFIX"),
        (("shop", "--rotate", "kin_ser_none"), "no key of shop that begins with 'kin_ser_none'"),
        (("shop", "--scope", "server", "--expires-in", "soon"), "is no span of time"),
        (("shop", "--scope", "browser", "--origin", "a.test"), "is no origin"),
        (("shop", "--scope", "server", "--per-minute", "-1"), "greater than or equal to 0"),
    ],
)
def test_limits_that_are_none_are_refused(shop, arguments, complaint):
    with pytest.raises(CommandError, match=complaint):
        create(*arguments)
    assert not shop.catalog.api_keys.exists()
