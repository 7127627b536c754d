"""A document brings a catalog to what it says, once; what cannot be changes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from recommender.api.config import applying
from recommender.api.config.change import Change, ConfigError
from recommender.catalog import catalogs, keys, placements
from recommender.models import ApiKey, Catalog, Feed, Placement, Synonyms
from tests.shop import Shop

HOME = {"operation": "for_user", "defaults": {"count": 6}, "fallback": "popular"}
ALL: dict[str, Any] = {
    "settings": {
        "clock": "last_event",
        "half_life_days": 30,
        "rating_scale": [1, 10],
        "monthly_budget": 20,
        "public_attributes": ["colour"],
        "log_days": 30,
        "in_shop": True,
        "language": "german",
        "touch_hours": 72,
        "impressions_by": "answer",
    },
    "attributes": {"colour": "string", "size": "number"},
    "event_weights": {"purchase": 8, "wish": 2.5},
    "synonyms": [{"words": ["couch", "sofa"]}, {"words": ["tv"], "meaning": ["television"]}],
    "placements": {
        "home": HOME,
        "home.top": {
            "operation": "popular",
            "rules": [{"action": "boost", "filter": {"colour": "red"}, "until": "2030-01-01"}],
        },
    },
    "keys": {
        "web": {
            "scope": "browser",
            "origins": ["https://shop.example.org"],
            "address_per_minute": 120,
            "expires_at": "2099-01-01T00:00:00+01:00",
        },
        "nightly": {"scope": "server"},
    },
    "feed": {"url": "https://user:pass@feeds.example.org/all.csv", "daily_at": "04:30"},
}


def apply(document: Any, *, prune: bool = False, dry_run: bool = False) -> list[Change]:
    read = applying.checked(document)
    return applying.apply(read, prune=prune, by="apply", dry_run=dry_run)


def shop_as(**sections: Any) -> dict[str, Any]:
    return {"catalogs": {"shop": sections}}


def told(changes: list[Change]) -> list[str]:
    return [f"{one.sign} {one.what}: {'; '.join(one.words)}" for one in changes]


def faults(document: Any) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as error:
        apply(document)
    return [(".".join(map(str, fault.path)), fault.message) for fault in error.value.faults]


def test_all_that_a_document_says_is_brought_about_and_a_second_time_nothing(shop: Shop):
    made = apply(shop_as(**ALL))
    catalog = Catalog.objects.get(name="shop")
    assert (catalog.clock, catalog.half_life_days, catalog.rating_scale) == (
        *("last_event", 30.0, (1.0, 10.0)),
    )
    assert (catalog.log_days, catalog.in_shop, catalog.touch_hours) == (30, True, 72)
    assert catalog.attributes == {"colour": "string", "size": "number"}
    assert (catalog.event_weights["purchase"], catalog.event_weights["wish"]) == (8, 2.5)
    assert Synonyms.objects.filter(catalog=catalog).count() == 2
    assert placements.operations(catalog.pk) == {"home": "for_user", "home.top": "popular"}
    secrets = {one.secret[0]: one.secret[1] for one in made if one.secret}
    web = keys.find_key(secrets["web"])
    assert web is not None
    assert (web.scope, web.origins, web.address_per_minute, web.label) == (
        *("browser", ["https://shop.example.org"], 120, "web"),
    )
    feed = Feed.objects.get(catalog=catalog)
    assert feed.url == "https://user:pass@feeds.example.org/all.csv"
    assert feed.next_at is not None
    # The feed's password is not told twice: who applies this again keeps it.
    again = ALL | {"feed": ALL["feed"] | {"url": "https://***@feeds.example.org/all.csv"}}
    assert told(apply(shop_as(**again))) == []
    assert Feed.objects.get(catalog=catalog).url == feed.url


def test_what_is_tried_changes_nothing(shop: Shop):
    before = applying.read_catalog(shop.catalog)
    document = {"catalogs": {"shop": ALL, "fresh": {"settings": {"model": "fake"}}}}
    would = told(apply(document, dry_run=True))
    assert "add key web: scope: none → browser" in "\n".join(would)
    assert "add catalog: " in would
    assert applying.read_catalog(Catalog.objects.get(name="shop")) == before
    assert not ApiKey.objects.exists()
    assert not Catalog.objects.filter(name="fresh").exists()
    assert told(apply(document)) == would


def test_what_is_read_and_applied_elsewhere_gives_the_same(shop: Shop):
    apply(shop_as(**ALL))
    document = applying.read_catalog(Catalog.objects.get(name="shop"))
    document["feed"]["url"] = "https://feeds.example.org/all.csv"
    apply({"catalogs": {"twin": document}})
    assert applying.read_catalog(Catalog.objects.get(name="twin")) == document
    assert told(apply({"catalogs": {"twin": document}})) == []


def test_the_words_say_what_was_before_and_what_is_after(shop: Shop):
    apply(shop_as(placements={"home": HOME}, keys={"web": {"scope": "browser"}}))
    changed = {"home": HOME | {"defaults": {"count": 8}}}
    bounded = {"web": {"scope": "browser", "requests_per_minute": 60}}
    document = shop_as(settings={"half_life_days": 7}, placements=changed, keys=bounded)
    assert told(apply(document)) == [
        "change settings: half life days: 60 → 7",
        "change placement home: count: 6 → 8",
        "change key web: requests per minute: none → 60",
    ]
    assert ApiKey.objects.get().requests_per_minute == 60
    assert placements.served(shop.catalog.pk, "home").document["defaults"] == {"count": 8}


def test_what_the_document_does_not_name_stays_unless_it_is_pruned(shop: Shop):
    apply(shop_as(**ALL))
    unnamed = catalogs.create_key(shop.catalog, "server")
    less = shop_as(
        placements={"home": HOME}, keys={"web": ALL["keys"]["web"]}, synonyms=[],
        event_weights={"view": 1},
    )  # fmt: skip
    assert told(apply(less)) == []
    removed = told(apply(less, prune=True))
    assert [line for line in removed if line.startswith("remove placement")] == [
        "remove placement home.top: "
    ]
    assert keys.find_key(unnamed) is None
    assert [key.label for key in ApiKey.objects.filter(revoked_at=None)] == ["web"]
    assert list(Placement.objects.values_list("name", flat=True)) == ["home"]
    assert not Synonyms.objects.exists()
    assert Catalog.objects.get(name="shop").event_weights == {"view": 1}
    # No section says anything of the feed, or of attributes, so these stay.
    assert Feed.objects.exists()
    assert told(apply(less, prune=True)) == []


def test_a_rotated_key_is_the_newest_of_its_name_and_the_old_one_ends_in_its_time(shop: Shop):
    document = shop_as(keys={"web": {"scope": "browser"}})
    (made,) = apply(document)
    old = keys.find_key(made.secret[1])
    new, _ = keys.rotate(old, timedelta(days=1))
    assert told(apply(document, prune=True)) == []
    old.refresh_from_db()
    assert (old.revoked_at, old.expires_at > timezone.now()) == (None, True)
    bounded = shop_as(keys={"web": {"scope": "browser", "origins": ["https://a.test"]}})
    apply(bounded)
    new.refresh_from_db()
    assert new.origins == ["https://a.test"]


@pytest.mark.parametrize(
    ("document", "where", "why"),
    [
        ({"catalog": {}}, "catalog", "Extra inputs are not permitted"),
        (shop_as(settigns={}), "catalogs.shop.settigns", "Extra inputs"),
        (shop_as(settings={"clock": "yesterday"}), "catalogs.shop.settings.clock", "'now' or"),
        (shop_as(settings={"clock": None}), "catalogs.shop.settings.clock", "'now' or"),
        (shop_as(settings={"half_life_days": "x"}), "catalogs.shop.settings.half_life_days", ""),
        (shop_as(settings={"log_days": 0}), "catalogs.shop.settings.log_days", "greater than"),
        (shop_as(settings={"rating_scale": [5, 1]}), "catalogs.shop.settings", "no scale"),
        (shop_as(settings={"model": "other"}), "catalogs.shop.settings.model", "space create"),
        (shop_as(attributes={"a": "colour"}), "catalogs.shop.attributes.a", "'string'"),
        (shop_as(event_weights={"view": 1e9}), "catalogs.shop.event_weights.event_weights", ""),
        (shop_as(synonyms=[{"words": ["tv"]}]), "catalogs.shop.synonyms.0", "second word"),
        (shop_as(placements={"Home": HOME}), "catalogs.shop.placements.Home", "match pattern"),
        (
            shop_as(placements={"home.x": HOME | {"operation": "nothing"}}),
            "catalogs.shop.placements.home.x.operation",
            "is none of",
        ),
        (
            shop_as(placements={"home": HOME | {"defaults": {"filter": {"size": 1}}}}),
            "catalogs.shop.placements.home.defaults.filter.size",
            "Unknown field",
        ),
        (shop_as(keys={"web": {}}), "catalogs.shop.keys.web.scope", "Field required"),
        (
            shop_as(keys={"web": {"scope": "browser", "origins": ["a"]}}),
            "catalogs.shop.keys.web.origins",
            "is no origin",
        ),
        (
            shop_as(keys={"web": {"scope": "server", "expires_at": "2020-01-01"}}),
            "catalogs.shop.keys.web.expires_at",
            "has passed",
        ),
        (shop_as(feed={"url": "ftp://a"}), "catalogs.shop.feed.url", "http or https"),
        (shop_as(feed={"url": "https://a.test/x"}), "catalogs.shop.feed", "time of day"),
        (
            shop_as(feed={"url": "https://a.test/x", "every_hours": 1, "options": "--nothing"}),
            "catalogs.shop.feed.options",
            "unrecognized",
        ),
        (
            shop_as(feed={"url": "https://***@a.test/x", "every_hours": 1}),
            "catalogs.shop.feed.url",
            "user and password",
        ),
        ({"catalogs": {"No": {}}}, "catalogs.No", "lower-case"),
        (
            {"catalogs": {"new": {"settings": {"model": "none"}}}},
            "catalogs.new",
            "no embedding model|unknown|There is no",
        ),
        ({"schedules": {"Dreaming": {"every": "1d"}}}, "schedules.Dreaming", "no such periodic"),
        ({"schedules": {"Training": {"every": "1d", "cron": "0 2 * * *"}}}, "schedules", "either"),
        ({"schedules": {"Training": {"cron": "99 2 * * *"}}}, "schedules.Training", "no crontab"),
        (
            {"schedules": {"Training": {"cron": "0 2 * * *", "timezone": "Moon"}}},
            "schedules.Training",
            "",
        ),
    ],
)
def test_what_cannot_be_says_where_and_changes_nothing(shop: Shop, document, where, why):
    good = {"aaa": {"settings": {"model": "fake"}}}
    given = {**document, "catalogs": {**good, **document.get("catalogs", {})}}
    ((path, message), *_) = faults(given)
    assert path.startswith(where)
    assert any(word in message for word in why.split("|")), message
    assert not Catalog.objects.filter(name="aaa").exists()


def test_the_scope_of_a_key_cannot_change(shop: Shop):
    apply(shop_as(keys={"web": {"scope": "browser"}}))
    ((path, message),) = faults(shop_as(keys={"web": {"scope": "server"}}))
    assert path == "catalogs.shop.keys.web.scope"
    assert "name another" in message


def test_periodic_tasks_run_when_the_document_says(shop: Shop):
    changed = {
        "Training": {"cron": "30 3 * * 0"},
        "Popularity refresh": {"every": "1h", "is_enabled": False},
    }
    assert told(apply({"schedules": changed})) == [
        "change schedule Training: cron: 0 2 * * * → 30 3 * * 0",
        "change schedule Popularity refresh: every: 10m → 1h; is enabled: yes → no",
    ]
    task = PeriodicTask.objects.get(name="Popularity refresh")
    assert (task.enabled, task.interval.every) == (False, 3600)
    assert told(apply({"schedules": changed})) == []
    everything = applying.read([])
    assert everything["schedules"]["Training"] == {"cron": "30 3 * * 0", "is_enabled": True}
    assert told(apply(everything)) == []
