import pytest
from django.core.management import CommandError

from tests.recommender.importing.desk import Desk
from tests.shop import Shop


def test_where_no_row_can_be_taken_the_command_fails_and_says_what_would_help(
    shop: Shop, desk: Desk
) -> None:
    shop.stock(mug="Mug")
    content = "user,product,type,at\n" + "ann,mug,view,24/08/2025 02:19\n" * 3

    with pytest.raises(CommandError) as failed:
        desk.events(content, "--time-format", "%Y-%m-%d")

    assert str(failed.value) == (
        "None of the 3 rows could be taken:\n"
        "  at is not a time: '24/08/2025 02:19'; try --time-format '%d/%m/%Y %H:%M'"
    )


def test_where_some_rows_are_taken_the_command_does_not_fail(shop: Shop, desk: Desk) -> None:
    report = desk.products("id,title,price\na,Mug,1\nb,Lamp,cheap\n")

    assert report.count("rows rejected") == 1
    assert report.count("products added") == 1
