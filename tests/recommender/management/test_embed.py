from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from recommender.spaces.lifecycle import create_space
from tests.shop import Shop, numbered
from tests.workers.broker import Broker


def test_what_is_stale_is_told_and_the_workers_are_told_of_it(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(**numbered(3))
    committed_shop.embed()
    committed_shop.stock(late="Desk lamp")
    create_space(committed_shop.catalog, model="fake", dimension=8)
    printed = StringIO()

    call_command("embed", "--catalog", "shop", stdout=printed)

    assert "text@1: 1 products to embed\n" in printed.getvalue()
    assert "text@2: 4 products to embed\n" in printed.getvalue()
    assert "--wait shows progress" in printed.getvalue()
    assert [name for name, _ in broker.take()] == ["embed_space"] * 2


def test_an_unknown_catalogue_is_said_with_those_there_are(shop: Shop) -> None:
    with pytest.raises(CommandError, match=r"There is no catalogue 'shpo' \(there are: shop\)"):
        call_command("embed", "--catalog", "shpo")
