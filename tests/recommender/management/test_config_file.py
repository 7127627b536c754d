"""`apply`, `diff` and `dump`, as a person at a shell uses them."""

from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from recommender.catalog import keys
from recommender.management import yaml_file
from recommender.models import ApiKey, Catalog
from tests.shop import Shop

FILE = """\
catalogs:
  shop:
    settings:
      half_life_days: 30
    placements:
      home:
        operation: popular
        defaults: {count: 6}
    keys:
      web shop:
        scope: browser
        address_per_minute: 120
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(FILE)
    return path


def run(command: str, *arguments: Any) -> str:
    output = StringIO()
    call_command(command, *map(str, arguments), stdout=output)
    return output.getvalue()


def differs(*arguments: Any) -> str:
    """What diff says where something would change."""
    output = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("diff", *map(str, arguments), stdout=output)
    assert ended.value.code == 2
    return output.getvalue()


def test_a_file_is_looked_at_applied_and_then_nothing_is_left_to_do(shop: Shop, file: Path):
    would = differs(file)
    assert would.splitlines() == [
        "~ shop: settings",
        "    half life days: 60 → 30",
        "+ shop: placement home",
        "    list: none → popular",
        "    count: none → 6",
        "+ shop: key web shop",
        "    scope: none → browser",
        "    address per minute: none → 120",
    ]
    assert not ApiKey.objects.exists()

    done = run("apply", file)
    assert done.startswith(would)
    assert "This is the only time these keys are shown:" in done
    secret = done.split("shop web shop: ")[1].split()[0]
    assert keys.find_key(secret) is not None
    assert done.endswith("Made 3 changes.\n")

    assert run("diff", file) == "Nothing would change.\n"
    assert run("apply", file) == "Nothing to change.\n"


def test_programs_read_json(shop: Shop, file: Path):
    assert orjson.loads(differs(file, "--json"))["secrets"] == []
    told = orjson.loads(run("apply", file, "--json"))
    assert [one["what"] for one in told["changes"]] == [
        *("settings", "placement home", "key web shop"),
    ]
    ((catalog, key, secret),) = (one.values() for one in told["secrets"])
    assert (catalog, key) == ("shop", "web shop")
    assert keys.find_key(secret).label == "web shop"


def test_what_is_dumped_is_what_there_is(shop: Shop, file: Path, tmp_path: Path):
    run("apply", file)
    dumped = tmp_path / "dumped.yaml"
    dumped.write_text(run("dump", "shop"))
    assert run("diff", dumped) == "Nothing would change.\n"
    text = dumped.read_text().replace("  shop:\n", "  twin:\n", 1)
    dumped.write_text(text)
    run("apply", dumped)
    twin = yaml_file.read(run("dump", "twin")).value["catalogs"]["twin"]
    assert twin == yaml_file.read(run("dump", "shop")).value["catalogs"]["shop"]
    everything = yaml_file.read(run("dump")).value
    assert set(everything["catalogs"]) == {"shop", "twin"}
    assert "Training" in everything["schedules"]


def test_prune_takes_away_what_the_file_does_not_name(shop: Shop, file: Path):
    run("apply", file)
    file.write_text("catalogs: {shop: {placements: {}, keys: {}}}")
    assert run("diff", file) == "Nothing would change.\n"
    assert "- shop: placement home" in differs(file, "--prune")
    run("apply", file, "--prune")
    assert not ApiKey.objects.filter(revoked_at=None).exists()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (FILE.replace("popular", "populr"), r"catalog.yaml:7: .*home.operation: is none of"),
        (FILE.replace("scope:", "scop:"), r"catalog.yaml:11: catalogs.shop.keys.web shop.scop: "),
        (FILE + "  shop: {}\n", r"catalog.yaml:13: 'shop' is there twice"),
        (
            FILE.replace("30", "no"),
            r"catalog.yaml:4: .*half_life_days: Input should be a valid num",
        ),
        ("- a\n", r"catalog.yaml:1: the file: Input should be"),
        ("a: [", r"catalog.yaml:1: "),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_changes_nothing(
    shop: Shop, file: Path, text: str, complaint: str
):
    file.write_text(text)
    for command in ("apply", "diff"):
        with pytest.raises(CommandError, match=complaint):
            run(command, file)
    assert Catalog.objects.get().half_life_days == 60


def test_a_file_that_cannot_be_read_says_so(shop: Shop, tmp_path: Path):
    with pytest.raises(CommandError, match="No such file"):
        run("apply", tmp_path / "none.yaml")
    with pytest.raises(CommandError, match=r"no catalog 'nowhere'"):
        run("dump", "nowhere")


def test_an_empty_file_changes_nothing(shop: Shop, file: Path):
    file.write_text("")
    assert run("apply", file) == "Nothing to change.\n"
