import re
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from recommender.models import Catalog, ProductVector, Space
from recommender.spaces import lifecycle, quarantine
from recommender.spaces.lifecycle import create_space
from recommender.spaces.quarantine import Refusal
from tests.shop import Shop, numbered
from tests.workers.broker import Broker


def embed(shop: Shop, *options: str) -> str:
    printed = StringIO()
    call_command("embed", "--catalog", shop.catalog.name, *options, stdout=printed)
    return printed.getvalue()


def test_what_is_stale_is_told_and_the_workers_are_told_of_it(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(**numbered(3))
    committed_shop.embed()
    committed_shop.stock(late="Desk lamp")
    create_space(committed_shop.catalog, model="fake", dimension=8)

    printed = embed(committed_shop)

    assert "text@1: 1 products to embed\n" in printed
    assert "text@2: 4 products to embed\n" in printed
    assert "--wait shows progress" in printed
    assert [name for name, _ in broker.take()] == ["embed_space"] * 2


def test_a_standby_is_not_embedded(committed_shop: Shop, broker: Broker) -> None:
    committed_shop.stock(a="Mug")
    standby = create_space(committed_shop.catalog, model="fake", dimension=8)
    Space.objects.filter(pk=standby.pk).update(status=Space.Status.STANDBY)
    broker.take()

    printed = embed(committed_shop)

    assert "text@2" not in printed
    assert [name for name, _ in broker.take()] == ["embed_space"]


def test_a_dry_run_tells_products_tokens_price_and_time_of_every_living_space(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(**numbered(3000))
    create_space(committed_shop.catalog, model="text-embedding-v4", dimension=64)
    Catalog.objects.update(monthly_budget=Decimal("0.0001"))
    broker.take()

    header, hosted, local, *rest = embed(committed_shop, "--dry-run").splitlines()

    assert header.split("  ")[0] == "space"
    assert hosted.split()[:4] == ["text@2", "text-embedding-v4", "3,000", "0"]
    assert re.fullmatch(r"\$0\.00\d\d", hosted.split()[5])
    assert hosted.endswith(" s")
    assert local.split()[:4] == ["text@1", "fake", "3,000", "0"]
    assert local.endswith("$0.0000  -")
    assert rest == [
        "Budget: $0.00 of $0.00 are left this month. That is not enough: embedding would pause.",
        "Dry run: nothing was sent.",
    ]
    assert broker.take() == []


def test_quarantined_products_are_tried_again_when_asked_for(
    committed_shop: Shop, broker: Broker
) -> None:
    committed_shop.stock(**numbered(4))
    committed_shop.embed()
    space, product = committed_shop.space, committed_shop.product("p0")
    ProductVector.objects.filter(product=product).update(embedding=None)
    quarantine.add(space, [Refusal(product.pk, product.content_hash, "Inspection", "No.")])

    assert "text@1: 0 products to embed" in embed(committed_shop)
    printed = embed(committed_shop, "--retry-quarantined")

    assert "text@1: 1 products out of quarantine\ntext@1: 1 products to embed\n" in printed


def test_what_it_was_paused_for_before_is_forgotten(committed_shop: Shop, broker: Broker) -> None:
    committed_shop.stock(a="Mug")
    lifecycle.pause(committed_shop.space, "The budget is spent.")
    embed(committed_shop)
    assert committed_shop.space.paused_reason == ""


def test_an_unknown_catalog_is_said_with_those_there_are(shop: Shop) -> None:
    with pytest.raises(CommandError, match=r"There is no catalog 'shpo' \(there are: shop\)"):
        call_command("embed", "--catalog", "shpo")
