import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from recommender.insight import runs
from recommender.insight.kinds import KINDS
from recommender.models import Catalog, InsightFinding, InsightRun, ProductMerge
from tests.recommender.insight.insights import find_out
from tests.shop import Shop

from . import page

LIST = "admin:recommender_insightrun_changelist"
START = "admin:recommender_insightrun_find_out"


@pytest.fixture
def run(shop: Shop) -> InsightRun:
    return find_out(shop, "clusters", k=2)


def change(run: InsightRun) -> str:
    return reverse("admin:recommender_insightrun_change", args=[run.pk])


def detail(run: InsightRun, action: str) -> str:
    return reverse(f"admin:recommender_insightrun_{action}", args=[run.pk])


def test_the_list_tells_what_each_run_came_to(admin_client: Client, run: InsightRun) -> None:
    text = page.text(admin_client.get(reverse(LIST)))
    assert f"shop Clusters Done {run.summary}" in text


def test_the_page_tells_figures_clusters_and_findings(
    admin_client: Client, run: InsightRun, shop: Shop
) -> None:
    response = admin_client.get(change(run))
    text = page.text(response)
    assert "text@1" in text
    assert "Cohesion" in text
    for cluster in run.figures["described"]:
        assert cluster["name"] in text
    assert reverse("admin:recommender_product_change", args=[shop.product("mug-1").pk]) in (
        page.hrefs(response)
    )
    assert "Refresh" not in response


def test_findings_of_one_group_have_an_address(admin_client: Client, run: InsightRun) -> None:
    response = admin_client.get(f"{change(run)}?group=1")
    assert "All groups, not only 1" in page.text(response)
    wanted = {one.product.title for one in run.findings.filter(group="1") if one.product}
    for title in wanted:
        assert title in page.text(response)


def told(number: int) -> dict[str, object]:
    evidence = {"price": number, "usual": 2.5}
    return {"reason": f"because {number}!", "mend": "Look at it.", "evidence": evidence}


def test_many_findings_are_paged_through(admin_client: Client, catalog: Catalog) -> None:
    run = InsightRun.objects.create(catalog=catalog, kind="clusters", status="done")
    rows = [InsightFinding(run=run, score=n, data=told(n)) for n in range(60)]
    InsightFinding.objects.bulk_create(rows)

    first = admin_client.get(change(run))
    assert "because 59! Look at it. evidence price 59 evidence usual 2.5" in page.text(first)
    assert "because 9!" not in page.text(first)
    (following,) = [href for href in page.hrefs(first) if "after=" in href]
    second = page.text(admin_client.get(following))
    assert "because 9!" in second
    assert "because 59!" not in second
    assert "begin anew" in page.text(admin_client.get(f"{change(run)}?after=nonsense"))


def test_one_that_goes_on_says_how_far_it_is_and_is_loaded_anew(
    admin_client: Client, catalog: Catalog
) -> None:
    run = runs.request(catalog, KINDS["clusters"], KINDS["clusters"].read({}))
    with runs.claimed(run.pk) as claim:
        assert claim is not None
        progress = {"text": "naming clusters", "done": 1250, "total": 2000}
        InsightRun.objects.filter(pk=run.pk).update(progress=progress)
        response = admin_client.get(change(run))
    assert "naming clusters: 1,250 of 2,000" in page.text(response)
    assert response["Refresh"] == "3"


def test_one_whose_worker_died_says_so(admin_client: Client, catalog: Catalog) -> None:
    run = InsightRun.objects.create(catalog=catalog, kind="clusters", status="running")
    assert runs.DIED in page.text(admin_client.get(change(run)))


def test_a_run_is_asked_for(admin_client: Client, catalog: Catalog) -> None:
    assert "What it tells" in page.text(admin_client.get(reverse(START)))
    asked = {"catalog": catalog.pk, "kind": "clusters", "parameters": '{"k": 2}'}

    response = admin_client.post(reverse(START), asked, follow=True)

    run = InsightRun.objects.get()
    assert (run.status, run.parameters["k"]) == ("waiting", 2)
    assert "The next free worker does it" in page.text(response)
    again = admin_client.post(reverse(START), asked, follow=True)
    assert "One of the kind goes on already" in page.text(again)


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ('{"k": 1}', "k: Input should be greater than or equal to 2"),
        ('{"k": 400}', "this needs 400 at least"),
        ('{"colour": 1}', "colour: Extra inputs are not permitted"),
        ("[1]", "This is no object of parameters"),
        ("{", "This is not JSON"),
    ],
)
def test_what_is_wrong_is_said_at_the_form(
    admin_client: Client, catalog: Catalog, parameters: str, complaint: str
) -> None:
    asked = {"catalog": catalog.pk, "kind": "clusters", "parameters": parameters}
    assert complaint in page.text(admin_client.post(reverse(START), asked))
    assert not InsightRun.objects.exists()


def test_a_run_is_asked_for_again_with_the_same_parameters(
    admin_client: Client, run: InsightRun
) -> None:
    assert "Run again" in page.text(admin_client.get(detail(run, "again")))
    admin_client.post(detail(run, "again"))
    latest = InsightRun.objects.first()
    assert latest is not None
    assert (latest.pk != run.pk, latest.parameters) == (True, run.parameters)


def test_a_run_is_cancelled_once_confirmed(admin_client: Client, catalog: Catalog) -> None:
    run = runs.request(catalog, KINDS["clusters"], KINDS["clusters"].read({}))
    assert "keeps nothing" in page.text(admin_client.get(detail(run, "cancel")))
    response = admin_client.post(detail(run, "cancel"), follow=True)
    assert "It is cancelled." in page.text(response)
    run.refresh_from_db()
    assert run.status == "cancelled"


def test_who_may_only_look_starts_nothing(client: Client, run: InsightRun) -> None:
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_insightrun"))
    client.force_login(viewer)

    assert client.get(change(run)).status_code == 200
    assert client.post(reverse(START), {}).status_code == 403
    assert client.post(detail(run, "again")).status_code == 403
    assert client.post(detail(run, "cancel")).status_code == 403


def test_runs_are_filtered_by_kind(admin_client: Client, run: InsightRun) -> None:
    assert run.summary in page.text(admin_client.get(f"{reverse(LIST)}?kind=clusters"))
    assert run.summary not in page.text(admin_client.get(f"{reverse(LIST)}?kind=other"))


def test_more_runs_take_no_more_queries(admin_client: Client, run: InsightRun) -> None:
    few = page.queries(admin_client, reverse(LIST))
    for number in range(5):
        other = Catalog.objects.create(name=f"more-{number}")
        InsightRun.objects.create(catalog=other, kind="clusters")
    assert page.queries(admin_client, reverse(LIST)) <= few


@pytest.fixture
def proposing(shop: Shop) -> InsightRun:
    """A run that proposes a category for two mugs."""
    shop.put(
        *({"id": f"m{n}", "title": f"mug {n}", "category": "Mugs"} for n in range(4)),
        *({"id": f"l{n}", "title": f"lamp {n}", "category": "Lamps"} for n in range(4)),
        {"id": "new", "title": "mug new", "category": ""},
        {"id": "old", "title": "mug old", "category": ""},
    )
    return find_out(shop, "classify")


def test_ticked_proposals_are_accepted_or_refused_and_it_is_logged(
    admin_client: Client, shop: Shop, proposing: InsightRun
) -> None:
    assert "Accept the ticked" in page.text(admin_client.get(change(proposing)))

    asked = {"decision": "accept", "product": ["new"]}
    accepted = admin_client.post(detail(proposing, "decide"), asked, follow=True)
    asked = {"decision": "refuse", "product": ["old"]}
    refused = admin_client.post(detail(proposing, "decide"), asked, follow=True)

    assert "1 accepted" in page.text(accepted)
    assert "1 refused" in page.text(refused)
    assert (shop.product("new").category, shop.product("old").category) == ("Mugs", "")
    logged = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(logged) == ["Proposed categories: 1 accepted.", "Proposed categories: 1 refused."]
    text = page.text(admin_client.get(change(proposing)))
    assert ("Accepted" in text, "Refused" in text) == (True, True)


def test_all_of_a_confidence_are_accepted_once_their_number_is_seen(
    admin_client: Client, shop: Shop, proposing: InsightRun
) -> None:
    address = detail(proposing, "accept_all")
    assert "of 0 or more: 2." in page.text(admin_client.get(address, {"from": "0"}))
    assert "of 0.9 or more" in page.text(admin_client.get(address, {"from": "nonsense"}))
    assert not shop.product("new").category

    response = admin_client.post(address, {"from": "0"}, follow=True)

    assert "2 accepted of a confidence of 0 or more" in page.text(response)
    assert {shop.product(key).category for key in ("new", "old")} == {"Mugs"}
    assert LogEntry.objects.count() == 1


def test_what_has_changed_meanwhile_is_named(
    admin_client: Client, shop: Shop, proposing: InsightRun
) -> None:
    shop.put({"id": "new", "title": "mug new", "category": "Cups"})
    asked = {"decision": "accept", "product": ["new"]}
    response = admin_client.post(detail(proposing, "decide"), asked, follow=True)
    assert "new: It has the category 'Cups'" in page.text(response)
    assert "Tick products first" in page.text(
        admin_client.post(detail(proposing, "decide"), {"decision": "accept"}, follow=True)
    )


def test_who_may_not_change_products_decides_nothing(
    client: Client, run: InsightRun, proposing: InsightRun, admin_client: Client
) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_insightrun"))
    client = Client()
    client.force_login(viewer)
    assert "Accept the ticked" not in page.text(client.get(change(proposing)))
    asked = {"decision": "accept", "product": ["new"]}
    assert client.post(detail(proposing, "decide"), asked).status_code == 403
    assert client.get(detail(proposing, "accept_all")).status_code == 403
    assert admin_client.get(detail(run, "accept_all")).status_code == 404


@pytest.fixture
def doubled(shop: Shop) -> InsightRun:
    """A run that finds a mug twice."""
    text = "A heavy mug of red stoneware that keeps coffee warm."
    shop.put(
        {"id": "stone", "title": "Stoneware mug, red", "description": text, "price": 9},
        {"id": "stone-2", "title": "stoneware mug red", "description": text, "price": 9},
    )
    shop.embed()
    return find_out(shop, "duplicates", similarity=0)


def test_a_duplicate_is_merged_and_parted_and_it_is_logged(
    admin_client: Client, shop: Shop, doubled: InsightRun
) -> None:
    (found,) = doubled.findings.filter(product__external_id__startswith="stone")
    kept, gone = found.group, found.product
    assert gone is not None
    shop.visit("ann", gone.external_id)
    names = [reverse(f"admin:recommender_insightrun_{name}", args=[doubled.pk, gone.pk])
             for name in ("merge", "part")]  # fmt: skip
    assert names[0] in page.hrefs(admin_client.get(change(doubled)))
    assert f"Merge {gone.external_id} into {kept}" in page.text(admin_client.get(names[0]))

    merged = admin_client.post(names[0], follow=True)

    assert f"is merged into {kept}; 1 events changed hands" in page.text(merged)
    assert f"Merged into {kept}" in page.text(merged)
    assert ProductMerge.objects.get().product == gone
    parted = page.text(admin_client.post(names[1], follow=True))
    assert "is a product of its own again" in parted
    assert not ProductMerge.objects.exists()
    assert LogEntry.objects.count() == 2
    assert admin_client.get(names[1]).status_code == 404


def test_who_may_not_change_products_merges_nothing(
    client: Client, shop: Shop, doubled: InsightRun
) -> None:
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.user_permissions.add(Permission.objects.get(codename="view_insightrun"))
    client.force_login(viewer)
    found = doubled.findings.first()
    assert found is not None
    address = reverse("admin:recommender_insightrun_merge", args=[doubled.pk, found.product_id])
    assert address not in page.hrefs(client.get(change(doubled)))
    assert client.post(address).status_code == 403
