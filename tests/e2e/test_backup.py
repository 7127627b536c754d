"""A trained shop is backed up while it runs and restored elsewhere, and answers the same there."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from recommender.stack.config import Layout
from tests.e2e.service import Service

pytestmark = pytest.mark.slow

LOAD = "from recommender.catalog import sample; sample.load()"
PERSON = "sim-coffee-lover-01"


@pytest.fixture
def elsewhere(service: Service) -> Iterator[Service]:
    """A data directory in which nothing has ever been, with the same variables."""
    with TemporaryDirectory(prefix="kinship-e2e-") as directory:
        other = Service.under(Path(directory), service.variables)
        yield other
        other.manage("down")
        assert other.processes() == []


def answers(url: str, key: str, products: list[str]) -> list[str]:
    """What a shop is answered, without the name that each answer has of its own."""
    paths = [f"/v1/products/{product}/similar" for product in products]
    paths += [f"/v1/users/{PERSON}/recommendations", "/v1/users/nobody/recommendations"]
    paths += [f"/v1/products/{products[0]}", "/v1/products"]
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        texts = [client.get(path).raise_for_status().text for path in paths]
        filtered = {"filter": {"price": {"lte": 40}}, "count": 30}
        texts += [client.post(path, json=filtered).raise_for_status().text for path in paths[:-2]]
    return [re.sub(r'"rec_id": ?"[^"]+"', "", text) for text in texts]


def refusal(service: Service, *arguments: str) -> str:
    """What a command says that must not succeed."""
    done = subprocess.run(
        service.command(*arguments),
        env=service.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_restored_shop_answers_byte_for_byte_the_same(
    service: Service, elsewhere: Service, tmp_path: Path
) -> None:
    service.manage("shell", "-v", "0", "-c", LOAD)
    # With the time of day scores change from one answer to the next.
    service.manage("create_catalog", "demo", "--update", "--clock", "last_event")
    service.manage("embed", "--catalog", "demo", "--wait")
    service.manage("train", "--catalog", "demo", "--wait")
    key = service.manage("create_api_key", "demo", "--scope", "server").strip()
    rows = service.sql(
        "SELECT p.external_id FROM recommender_product p JOIN recommender_catalog c "
        "ON c.id = p.catalog_id AND c.name = 'demo' ORDER BY 1 LIMIT 20"
    )
    products = [external_id for (external_id,) in rows]
    # Other tests share the service, and have catalogs in it.
    ((count,),) = service.sql("SELECT count(*) FROM recommender_product")
    file = tmp_path / "shop.backup"

    printed = service.manage("backup", str(file))
    before = answers(service.url, key, products)

    assert f"./kinship restore {file}" in printed
    assert file.stat().st_mode & 0o777 == 0o600
    assert "overwrites nothing" in refusal(service, "backup", str(file))
    assert "Stop it first: ./kinship down" in refusal(service, "restore", str(file), "--force")

    assert f"{count:,} products" in elsewhere.manage("restore", str(file))
    assert f"{count:,} products" in refusal(elsewhere, "restore", str(file))
    secret = Layout(elsewhere.data_dir).data_dir / "secret_key"
    assert secret.read_text() == (service.data_dir / "secret_key").read_text()

    elsewhere.manage("up", "--detach", "--port", str(elsewhere.port), "--workers", "1")
    assert answers(elsewhere.url, key, products) == before

    # Migrated by a newer version, it is not run by this one.
    elsewhere.sql(
        "INSERT INTO django_migrations (app, name, applied) "
        "VALUES ('recommender', '9999_newer', now())"
    )
    elsewhere.manage("down")
    for command in (["up", "--detach"], ["spend"], ["migrate"]):
        said = refusal(elsewhere, *command)
        assert "recommender.9999_newer, and a downgrade is not possible" in said
    elsewhere.manage("restore", str(file), "--force")
    assert elsewhere.sql("SELECT count(*) FROM recommender_product") == [(count,)]
