import stat
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from recommender.importing import uploads
from recommender.models import Catalog, Event, Product, Upload
from tests.shop import Shop

from . import page

ADD, INDEX = "admin:recommender_upload_add", "admin:index"
SHOPIFY = Path(__file__).parents[1] / "importing" / "samples" / "shopify.csv"
ORDERS = (
    b"Name,Email,Created at,Lineitem sku,Lineitem quantity\n"
    b"#1,bob@example.org,2026-01-02 10:00:00,mug-1,2\n"
    b"#2,bob@example.org,2026-01-03 10:00:00,=gone,1\n"
)
ORDER_OPTIONS = (
    "--type purchase --map user=Email product='Lineitem sku' at='Created at' "
    "quantity='Lineitem quantity' order=Name"
)


@pytest.fixture(autouse=True)
def data_dir(settings: LazySettings, tmp_path: Path) -> Path:
    from dataclasses import replace  # noqa: PLC0415 - for this alone

    settings.STACK = replace(settings.STACK, data_dir=tmp_path)
    return tmp_path


def send(client: Client, catalog: Catalog, name: str, content: bytes, **more: str) -> HttpResponse:
    form = {"catalog": catalog.pk, "kind": "products", "format": "auto", "options": ""} | more
    return client.post(
        reverse(ADD), {**form, "file": SimpleUploadedFile(name, content)}, follow=True
    )


def button(client: Client, upload: Upload, name: str) -> HttpResponse:
    address = reverse(f"admin:recommender_upload_{name}", args=[upload.pk])
    return client.post(address, follow=True)


def shown(client: Client, upload: Upload) -> HttpResponse:
    return client.get(reverse("admin:recommender_upload_change", args=[upload.pk]))


def work(upload: Upload) -> None:
    """What a worker does when it is told of an upload."""
    from workers.feeds import import_upload  # noqa: PLC0415 - as a worker, not as the web

    import_upload(upload.pk)
    import_upload(upload.pk)


def test_a_shopify_file_is_looked_into_tried_and_imported(
    admin_client: Client, catalog: Catalog, data_dir: Path
) -> None:
    before = Product.objects.filter(catalog=catalog).count()
    text = page.text(send(admin_client, catalog, "products.csv", SHOPIFY.read_bytes()))
    assert "Format: a Shopify product export" in text
    assert "title Title" in text
    assert str(data_dir) not in text
    upload = Upload.objects.get()

    # What is stored is for this account's eyes only.
    kept = uploads.file_of(upload)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700

    assert button(admin_client, upload, "try_it").status_code == 200
    assert shown(admin_client, upload)["Refresh"] == "2"
    work(upload)
    text = page.text(shown(admin_client, upload))
    assert "products would be added" in text
    assert "Nothing was written." in text
    assert Product.objects.filter(catalog=catalog).count() == before

    button(admin_client, upload, "start")
    work(upload)
    response = shown(admin_client, upload)
    assert "products added" in page.text(response)
    assert "Refresh" not in response
    assert Product.objects.filter(catalog=catalog).count() > before
    assert not kept.exists()
    # It is in; nobody imports it twice.
    button(admin_client, upload, "start")
    upload.refresh_from_db()
    assert upload.status == Upload.Status.DONE


def test_orders_go_in_and_what_was_rejected_comes_back_without_formulas(
    admin_client: Client, shop: Shop
) -> None:
    before = Event.objects.filter(catalog=shop.catalog).count()
    send(admin_client, shop.catalog, "orders.csv", ORDERS, kind="events", options=ORDER_OPTIONS)
    upload = Upload.objects.get()
    assert "Rejected rows" not in page.text(shown(admin_client, upload))
    button(admin_client, upload, "start")
    work(upload)
    assert Event.objects.filter(catalog=shop.catalog).count() == before + 1
    text = page.text(shown(admin_client, upload))
    assert "rows rejected 1" in text
    assert "Rejected rows" in text

    address = reverse("admin:recommender_upload_rejects", args=[upload.pk])
    answer = admin_client.get(address)
    assert answer["Content-Disposition"] == f'attachment; filename="rejects-{upload.pk}.csv"'
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "unknown product" in content
    assert "\n=" not in content


def test_a_file_that_cannot_be_read_says_why_and_may_be_read_otherwise(
    admin_client: Client, catalog: Catalog, data_dir: Path
) -> None:
    text = page.text(send(admin_client, catalog, "list.csv", b"sku;name\na;Mug\n"))
    assert "Nothing gives the product's id." in text
    assert str(data_dir) not in text
    upload = Upload.objects.get()
    address = reverse("admin:recommender_upload_read_otherwise", args=[upload.pk])
    form = {"format": "auto", "options": "--map id=sku title=name"}
    text = page.text(admin_client.post(address, form, follow=True))
    assert "id sku title name" in text
    refused = page.text(admin_client.post(address, form | {"options": "--frob"}))
    assert "unrecognized arguments: --frob" in refused


def test_what_is_no_file_of_rows_is_refused_in_words(
    admin_client: Client, catalog: Catalog
) -> None:
    text = page.text(send(admin_client, catalog, "../../etc/x.csv", b"\x00\x01\x02"))
    assert "is not a text file" in text
    assert Upload.objects.get().name == "x.csv"
    assert "The submitted file is empty" in page.text(send(admin_client, catalog, "a.csv", b""))


def test_who_may_not_upload_may_neither_send_nor_start(
    client: Client, admin_client: Client, catalog: Catalog
) -> None:
    send(admin_client, catalog, "a.csv", b"id,title\na,Mug\n")
    upload = Upload.objects.get()
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="view_upload"))
    client.force_login(clerk)
    assert client.get(reverse(ADD)).status_code == 403
    assert send(client, catalog, "a.csv", b"id\na\n").status_code == 403
    for name in ("try_it", "start", "read_otherwise"):
        assert button(client, upload, name).status_code == 403
    upload.refresh_from_db()
    assert upload.status == Upload.Status.NEW


def test_a_worker_that_died_is_told_and_the_file_stays(
    admin_client: Client, catalog: Catalog
) -> None:
    send(admin_client, catalog, "a.csv", b"id,title\na,Mug\n")
    upload = Upload.objects.get()
    Upload.objects.update(status="running", started_at=timezone.now())
    assert uploads.DIED in page.text(shown(admin_client, upload))
    button(admin_client, upload, "start")
    assert uploads.due() == [upload.pk]
    work(upload)
    assert Product.objects.filter(catalog=catalog, external_id="a").exists()


def test_files_that_nobody_imports_are_removed(admin_client: Client, catalog: Catalog) -> None:
    send(admin_client, catalog, "a.csv", b"id,title\na,Mug\n")
    upload = Upload.objects.get()
    uploads.prune()
    assert uploads.has_file(upload)
    Upload.objects.update(created_at=timezone.now() - uploads.FILE_FOR - timedelta(minutes=1))
    uploads.prune()
    assert not uploads.has_file(upload)
    assert "no longer here" in page.text(shown(admin_client, upload))
    Upload.objects.update(created_at=timezone.now() - uploads.KEPT_FOR - timedelta(minutes=1))
    uploads.prune()
    assert not Upload.objects.exists()


def test_a_removed_upload_takes_its_file_along(admin_client: Client, catalog: Catalog) -> None:
    send(admin_client, catalog, "a.csv", b"id,title\na,Mug\n")
    upload = Upload.objects.get()
    address = reverse("admin:recommender_upload_delete", args=[upload.pk])
    admin_client.post(address, {"post": "yes"})
    assert not Upload.objects.exists()
    assert not uploads.file_of(upload).parent.exists()
