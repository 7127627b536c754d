from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError


def import_products(*arguments: str) -> str:
    output = StringIO()
    call_command("import_products", *arguments, "--catalog", "shop", stdout=output)
    return output.getvalue()


def test_rejects_are_kept_under_the_data_directory_and_the_next_step_is_named(shop, tmp_path):
    path = tmp_path / "mugs.csv"
    path.write_text("id,price\na,1\nb,-1\n")
    output = import_products(str(path))
    (kept,) = (settings.STACK.data_dir / "rejects").glob("shop-products-mugs.csv-*.csv")
    assert f"The rejected rows are in {kept}" in output
    assert kept.read_text() == 'line,reason,row\n3,price is negative,"b,-1"\n'
    assert output.endswith("Next: ./kinship embed --catalog shop --wait\n")


def test_a_catalog_that_is_not_there_is_an_error_that_says_what_to_do(db, tmp_path):
    path = tmp_path / "mugs.csv"
    path.write_text("id\na\n")
    with pytest.raises(CommandError, match=r"no catalog 'shop'.*\./kinship create_catalog shop"):
        import_products(str(path))
