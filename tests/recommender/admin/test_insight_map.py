"""The map of a run: what its script asks for, and that nothing but a script of ours runs."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import orjson
import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from recommender.models import InsightRun
from tests.recommender.insight.insights import find_out
from tests.shop import Shop

from . import page


@pytest.fixture
def run(shop: Shop) -> InsightRun:
    return find_out(shop, "map", k=2)


def address(run: InsightRun, name: str) -> str:
    return reverse(f"admin:recommender_insightrun_{name}", args=[run.pk])


def read(content: bytes) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """The header and the arrays, as the script reads them."""
    (length,) = struct.unpack_from("<I", content)
    header = orjson.loads(content[4 : 4 + length])
    columns, offset = {}, 4 + length
    for column in header["columns"]:
        dtype = np.dtype(column["type"])
        assert offset % dtype.itemsize == 0, "a typed array begins at a multiple of its width"
        columns[column["name"]] = np.frombuffer(content, dtype, column["length"], offset)
        offset += column["length"] * dtype.itemsize
    assert offset == len(content)
    return header, columns


def test_the_page_has_the_map_and_a_script_that_the_policy_lets_run(
    admin_client: Client, run: InsightRun
) -> None:
    response = admin_client.get(address(run, "change"))
    html = response.content.decode()
    assert f'data-points="{address(run, "map_points")}"' in html
    assert "recommender/map.js" in html
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert finders.find("recommender/map.js")


def test_other_runs_have_no_map(admin_client: Client, shop: Shop) -> None:
    other = find_out(shop, "clusters", k=2)
    assert "data-points" not in admin_client.get(address(other, "change")).content.decode()
    assert admin_client.get(address(other, "map_points")).status_code == 404


def test_the_points_are_all_products_with_what_colours_them(
    admin_client: Client, run: InsightRun
) -> None:
    response = admin_client.get(address(run, "map_points"))

    header, columns = read(response.content)

    assert header["points"] == 5
    assert columns["places"].shape == (10,)
    assert sorted(columns["warm"].tolist()) == [0, 0, 0, 1, 1]
    assert columns["sales"].sum() == 1
    assert set(columns["price"].tolist()) == {12.5}
    categories = [header["categories"][code] for code in columns["category"]]  # type: ignore[index]
    assert sorted(categories) == ["Home"] * 3 + ["Outdoor"] * 2
    assert "immutable" in response["Cache-Control"]


def test_a_point_tells_its_product(admin_client: Client, run: InsightRun, shop: Shop) -> None:
    at = address(run, "map_point")
    told = [admin_client.get(at, {"point": n}).json() for n in range(5)]
    assert [one["id"] for one in told] == ["mug-1", "mug-2", "mug-3", "tent-1", "tent-2"]
    page_of_mug = reverse("admin:recommender_product_change", args=[shop.product("mug-1").pk])
    assert told[0] == {
        "id": "mug-1",
        "title": "Blue enamel mug",
        "category": "Home/Kitchen",
        "price": "12.50 EUR",
        "address": page_of_mug,
    }
    for none in ("5", "-1", "x", "", "9" * 30):
        assert admin_client.get(at, {"point": none}).status_code == 404


def test_what_a_line_encloses_is_a_filter(
    admin_client: Client, run: InsightRun, shop: Shop
) -> None:
    at = address(run, "map_enclosed")
    everything = "-1,-1,65536,-1,65536,65536,-1,65536"

    told = admin_client.get(at, {"line": everything}).json()

    ids = ["mug-1", "mug-2", "mug-3", "tent-1", "tent-2"]
    assert told == {"products": 5, "filter": {"id": {"in": ids}}}
    nothing = admin_client.get(at, {"line": "-9,-9,-8,-9,-8,-8"}).json()
    assert nothing == {"products": 0, "filter": {"id": {"in": []}}}


@pytest.mark.parametrize(
    "line", ["", "1,2", "1,2,3,4,5", "a,b,c,d,e,f", "nan,1,2,3,4,5", "1," * 999]
)
def test_what_is_no_line_is_refused(admin_client: Client, run: InsightRun, line: str) -> None:
    assert admin_client.get(address(run, "map_enclosed"), {"line": line}).status_code == 400


def test_nobody_sees_a_map_who_may_not(client: Client, run: InsightRun, django_user_model) -> None:
    assert client.get(address(run, "map_points")).status_code == 302
    client.force_login(django_user_model.objects.create_user("staff", is_staff=True))
    assert client.get(address(run, "map_points")).status_code == 403
    assert client.get(address(run, "map_point"), {"point": 0}).status_code == 403


def test_the_findings_tell_the_places_too(admin_client: Client, run: InsightRun) -> None:
    assert run.findings.count() == 5
    for finding in run.findings.all():
        assert 0 <= finding.data["x"] <= 1
        assert 0 <= finding.data["y"] <= 1
    assert "A map of 5 products in 2 clusters." in page.text(
        admin_client.get(address(run, "change"))
    )


_HARNESS = Path(__file__).with_name("map_harness.js")


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_script_draws_and_finds_what_is_under_the_pointer(
    admin_client: Client, run: InsightRun, tmp_path: Path
) -> None:
    points = tmp_path / "points"
    points.write_bytes(admin_client.get(address(run, "map_points")).content)
    script = finders.find("recommender/map.js")
    done = subprocess.run(
        ["node", str(_HARNESS), str(script), str(points)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    told = orjson.loads(done.stdout)
    assert told["found"] == [0, 1, 2, 3, 4]
    assert told["drawn"] > 0
    assert told["legends"] == {"cluster": 2, "category": 3, "price": 4, "sales": 4, "warm": 2}
