from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command

from recommender.models import Catalog
from tests.shop import Shop

HINT = "./kinship create_catalog shop --update --clock last_event"


@pytest.fixture
def import_purchase(tmp_path):
    """Imports one purchase at a time that is given; what the command prints."""

    def run(at: str) -> str:
        path = tmp_path / "purchase.csv"
        path.write_text(f"user,product,at\nu1,a,{at}\n")
        output = StringIO()
        call_command(
            "import_events", str(path), "--catalog", "shop", "--type", "purchase", stdout=output
        )
        return output.getvalue()

    return run


def test_historical_data_come_with_a_hint_at_the_clock(shop, import_purchase):
    shop.stock(a="Mug")
    output = import_purchase("2011-12-09")
    assert "The last event is of 2011-12-09." in output
    assert HINT in output


def test_data_of_today_need_no_hint(shop, import_purchase):
    shop.stock(a="Mug")
    assert HINT not in import_purchase(datetime.now(UTC).isoformat())


def test_a_catalog_that_lives_in_the_time_of_its_data_needs_no_hint(db, import_purchase):
    Shop.open(clock=Catalog.Clock.LAST_EVENT).stock(a="Mug")
    assert HINT not in import_purchase("2011-12-09")


def test_each_command_names_the_one_that_a_new_catalog_needs_next(shop, tmp_path):
    mugs, views = tmp_path / "mugs.csv", tmp_path / "views.csv"
    mugs.write_text("id,title\na,Mug\n")
    views.write_text(f"user,product,at\nu1,a,{datetime.now(UTC).isoformat()}\n")

    def next_of(command: str, *arguments: str) -> str:
        output = StringIO()
        call_command(command, *arguments, "--catalog", "shop", stdout=output, stderr=StringIO())
        return output.getvalue().partition("Next: ")[2].splitlines()[0]

    assert next_of("import_products", str(mugs)) == "./kinship embed --catalog shop --wait"
    shop.embed()
    assert next_of("import_products", str(mugs)) == "./kinship import_events FILE --catalog shop"
    assert next_of("import_events", str(views), "--type", "view") == (
        "./kinship train --catalog shop --wait"
    )
    shop.stock(late="Lamp")
    assert next_of("import_events", str(views), "--type", "view") == (
        "./kinship embed --catalog shop --wait"
    )
