from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from recommender.catalog.catalogs import find_key, token_secrets


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
