"""A merchandiser's walk: name a placement, pin a product, preview, publish, undo."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from recommender.catalog import placements
from recommender.models import Catalog, Placement

from . import page

LIST, ADD = "admin:recommender_placement_changelist", "admin:recommender_placement_add"
CHANGE = "admin:recommender_placement_change"
PIN = {"action": "pin", "name": "Campaign", "product": "tent-2", "place": "1"}


@pytest.fixture
def home(catalog: Catalog) -> Placement:
    document = {"operation": "for_user", "defaults": {}, "fallback": None, "rules": []}
    return placements.put(catalog, "home", document)[0]


def sent(*rules: dict[str, Any], had: int = 0, **defaults: Any) -> dict[str, Any]:
    """The editor's forms as a browser sends them."""
    data: dict[str, Any] = {
        "rules-TOTAL_FORMS": len(rules), "rules-INITIAL_FORMS": had,
        "defaults-exclude": ["seen"],
    }  # fmt: skip
    data |= {f"defaults-{name}": value for name, value in defaults.items()}
    for place, rule in enumerate(rules):
        data |= {f"rules-{place}-{name}": value for name, value in rule.items()}
    return data


def save(client: Client, placement: Placement, button: str, *rules: Any, **more: Any) -> str:
    address = reverse(CHANGE, args=[placement.pk])
    return page.text(client.post(address, {**sent(*rules, **more), button: "1"}, follow=True))


def draft(placement: Placement) -> dict[str, Any]:
    placement.refresh_from_db()
    return placement.draft


def test_a_placement_is_named_and_listed(admin_client: Client, catalog: Catalog) -> None:
    data = {"catalog": catalog.pk, "name": "home", "operation": "for_user"}
    page.text(admin_client.post(reverse(ADD), data, follow=True))
    listed = page.text(admin_client.get(reverse(LIST)))
    assert "Recommendations for a user" in listed
    assert "Not published" in listed
    assert "has a placement of this name" in page.text(admin_client.post(reverse(ADD), data))
    wrong = page.text(admin_client.post(reverse(ADD), data | {"name": "My home"}))
    assert "Small letters" in wrong


def test_a_pin_is_saved_previewed_published_and_undone(
    admin_client: Client, home: Placement
) -> None:
    placements.publish(home, "somebody")
    saved = save(admin_client, home, "save", PIN, count=4)
    assert "shoppers see no change yet" in saved
    assert "rule “Campaign” added: pin tent-2 at place 1" in saved
    (rule,) = draft(home)["rules"]
    assert (rule["product"], rule["place"], rule["name"]) == ("tent-2", 1, "Campaign")
    preview = reverse("admin:recommender_placement_preview", args=[home.pk])
    shown = page.text(admin_client.get(preview, {"user": "ann"}))
    assert "pinned: Campaign" in shown
    assert "Draft" in shown
    assert "Live, version 1" in shown
    assert (
        "version 2 is live"
        in save(admin_client, home, "publish", {**PIN, "id": rule["id"]}, had=1, count=4).lower()
    )
    history = reverse("admin:recommender_placement_versions", args=[home.pk])
    told = page.text(admin_client.get(history))
    assert "Publish again" in told
    assert "count: none → 4" in told
    again = reverse("admin:recommender_placement_again", args=[home.pk, 1])
    assert "Publish version 1 of home again" in page.text(admin_client.get(again))
    assert "live again, as version 3" in page.text(admin_client.post(again, follow=True))
    assert draft(home)["rules"] == []


def test_what_the_api_set_and_the_form_does_not_show_stays(
    admin_client: Client, catalog: Catalog
) -> None:
    document = {
        "operation": "for_user",
        "defaults": {
            "count": 6, "boost": [{"when": {"brand": "Nord"}, "times": 2}],
            "filter": {"any": [{"brand": "Nord"}, {"brand": "Tinn"}]}, "max_per": {"price": 1},
            "exclude": ["seen", {"event": "view", "within": "7d"}],
        },
        "fallback": "new",
        "rules": [
            {"id": "r1", "action": "boost", "filter": {"price": {"gt": 10}}, "times": 1.5,
             "audience": {"users": "new", "attributes": {"age": 3.0}}},
            {"id": "r2", "action": "hide", "products": ["mug-1", "mug-2"],
             "from": "2025-01-01T00:00:00+00:00", "until": "2035-01-01T00:00:00+00:00"},
        ],
    }  # fmt: skip
    placement, _ = placements.put(catalog, "home", document)
    response = admin_client.get(reverse(CHANGE, args=[placement.pk]))
    forms = response.context["draft"]
    data = {"rules-TOTAL_FORMS": 2, "rules-INITIAL_FORMS": 2}
    for form in (forms.defaults, *forms.rules.forms):
        for field in form:
            value = field.value()
            name = field.html_name
            data[name] = field.field.prepare_value(value) if value is not None else ""
    admin_client.post(reverse(CHANGE, args=[placement.pk]), data)
    assert draft(placement) == document


def test_what_is_not_right_is_told_beside_its_rule_and_nothing_is_saved(
    admin_client: Client, home: Placement
) -> None:
    told = save(admin_client, home, "save", {"action": "pin", "place": "1"})
    assert "Nothing is saved" in told
    assert "pin needs product" in told
    assert "boost needs products or filter" in save(admin_client, home, "save", {"action": "boost"})
    unknown = {"action": "cap", "by": "colr", "at_most": "1"}
    assert "Unknown field 'colr'" in save(admin_client, home, "save", unknown)
    assert "Unknown field 'colr'" in save(admin_client, home, "save", fields_carried="colr")
    words = {"action": "pin", "product": "mug-1", "place": "1", "words": "mug"}
    assert "only searches have words" in save(admin_client, home, "save", words)
    kept = {"action": "hide", "products": ["mug-1"], "kept": "[1"}
    assert "not JSON" in save(admin_client, home, "save", kept)
    assert draft(home)["rules"] == []


def test_rules_that_contradict_one_another_are_shown(admin_client: Client, home: Placement) -> None:
    hidden = {"action": "hide", "name": "No tents", "category": "Outdoor"}
    told = save(admin_client, home, "save", PIN, hidden)
    assert "“No tents” hides tent-2, which “Campaign” pins" in told


def test_a_draft_is_thrown_away_for_what_is_live(admin_client: Client, home: Placement) -> None:
    placements.publish(home, "")
    save(admin_client, home, "save", PIN)
    assert "again what is live" in save(admin_client, home, "discard")
    assert draft(home)["rules"] == []


def test_products_and_shoppers_are_found_by_typing(admin_client: Client, home: Placement) -> None:
    def found(kind: str, term: str) -> list[str]:
        address = reverse("admin:recommender_placement_pick", args=[home.catalog_id, kind])
        return [one["id"] for one in admin_client.get(address, {"term": term}).json()["results"]]

    assert found("products", "tent") == ["tent-1", "tent-2"]
    assert found("products", "for FOUR") == ["tent-2"]
    assert found("users", "an") == ["ann"]
    address = reverse("admin:recommender_placement_pick", args=[home.catalog_id, "spaces"])
    assert admin_client.get(address).status_code == 404


def test_who_may_only_look_changes_nothing(client: Client, home: Placement) -> None:
    person = User.objects.create_user("analyst", password="secret", is_staff=True)
    person.user_permissions.add(Permission.objects.get(codename="view_placement"))
    client.force_login(person)
    address = reverse(CHANGE, args=[home.pk])
    assert "Save and publish" not in page.text(client.get(address))
    assert client.post(address, sent(PIN)).status_code == 403
    again = reverse("admin:recommender_placement_again", args=[home.pk, 1])
    assert client.post(again).status_code == 403
    person.user_permissions.clear()
    client.force_login(User.objects.get(pk=person.pk))
    preview = reverse("admin:recommender_placement_preview", args=[home.pk])
    assert client.get(preview).status_code == 403


def test_the_preview_of_every_list_asks_for_what_it_needs(
    admin_client: Client, catalog: Catalog
) -> None:
    for operation, asked in {
        "similar": {"product": "mug-1"},
        "recommendations": {"user": "ann", "product": "mug-1"},
        "search": {"q": "mug"},
        "popular": {},
        "bought_together": {"product": "mug-1"},
    }.items():
        document = {"operation": operation, "defaults": {}, "fallback": None, "rules": []}
        placement, _ = placements.put(catalog, operation.replace("_", "-"), document)
        address = reverse("admin:recommender_placement_preview", args=[placement.pk])
        told = page.text(admin_client.get(address, asked))
        assert "Nothing is published yet" in told, operation
        assert "mug" in told.lower()
    address = reverse("admin:recommender_placement_preview", args=[placement.pk])
    assert "no product 'none'" in page.text(admin_client.get(address, {"product": "none"}))


def test_the_inspector_tells_how_a_list_comes_about(admin_client: Client, home: Placement) -> None:
    save(admin_client, home, "save", PIN, {"action": "hide", "name": "None", "products": ["mug-3"]})
    address = reverse("admin:recommender_placement_inspect", args=[home.pk])
    assert "Choose whose list to follow" in page.text(admin_client.get(address))
    told = page.text(admin_client.get(address, {"user": "ann", "followed": "mug-3"}))
    assert "purchase" in told, "the profile"
    assert "each source proposes products" in told
    assert "drops what may not be listed" in told
    assert "pinned: Campaign" in told
    assert "It does not pass the filter" in told
    assert "rules.r-" in told
    past = page.text(admin_client.get(address, {"user": "ann", "at": "2020-01-01T00:00"}))
    assert "purchase" not in past
    assert "Fallback: popular" in past or "Fallback: newest" in past
    gone = page.text(admin_client.get(address, {"user": "ann", "followed": "none"}))
    assert "There is no such product" in gone


def test_the_inspector_sets_two_lists_beside_one_another(
    admin_client: Client, home: Placement
) -> None:
    address = reverse("admin:recommender_placement_inspect", args=[home.pk])
    before = {"user": "ann", "other_at": "2020-01-01T00:00"}
    response = admin_client.get(address, before)
    told = page.text(response)
    assert "Beside the other list" in told
    (beside,) = [table for table in response.context["tables"] if table.title.startswith("Beside")]
    places = {
        page.words(str(row[0])): [page.words(str(one)) for one in row[1:4]] for row in beside.rows
    }
    # What she has bought since is in the list of before alone.
    assert places["Blue enamel mug"][0] == "-"
    assert places["Blue enamel mug"][2] == "gone"
    same = admin_client.get(address, {"user": "ann", "other_user": "ann"})
    assert "0 of" in page.text(same)
    (table,) = [one for one in same.context["tables"] if one.title.startswith("Beside")]
    assert {(page.words(str(row[3])), page.words(str(row[4]))) for row in table.rows} == {
        ("=", "nothing")
    }
    unknown = page.text(admin_client.get(address, {"user": "ann", "other_user": "nobody"}))
    assert "Beside the other list" in unknown


def test_more_placements_and_versions_take_no_more_queries(
    admin_client: Client, catalog: Catalog, home: Placement
) -> None:
    placements.publish(home, "a")
    few = page.queries(admin_client, reverse(LIST))
    for number in range(5):
        document = {"operation": "for_user", "defaults": {}, "fallback": None, "rules": []}
        more, _ = placements.put(catalog, f"more-{number}", document)
        placements.publish(more, "a")
    placements.put(catalog, "home", {**home.draft, "defaults": {"count": 3}})
    placements.publish(Placement.objects.get(name="home"), "a")
    assert page.queries(admin_client, reverse(LIST)) == few
