"""A trained shop is backed up while it runs and restored elsewhere, and answers the same there."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import pytest

from recommender.stack.config import Layout
from tests.e2e.service import Service
from tests.threads import wait_until

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


@dataclass(frozen=True, slots=True)
class Shop:
    """What was loaded and trained: a key of it, some products, and how many the service has."""

    key: str
    products: list[str]
    count: int


@pytest.fixture(scope="module")
def shop(service: Service) -> Shop:
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
    # Other tests share the service, and have catalogs in it.
    ((count,),) = service.sql("SELECT count(*) FROM recommender_product")
    return Shop(key, [external_id for (external_id,) in rows], count)


def answers(service: Service, shop: Shop) -> list[str]:
    """What a shop is answered, without the name that each answer has of its own."""
    products = shop.products
    paths = [f"/v1/products/{product}/similar" for product in products]
    paths += [f"/v1/users/{PERSON}/recommendations", "/v1/users/nobody/recommendations"]
    paths += [f"/v1/products/{products[0]}", "/v1/products"]
    headers = {"Authorization": f"Bearer {shop.key}"}
    with httpx.Client(base_url=service.url, headers=headers, timeout=30) as client:
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
    service: Service, elsewhere: Service, shop: Shop, tmp_path: Path
) -> None:
    file = tmp_path / "shop.backup"

    printed = service.manage("backup", str(file))
    before = answers(service, shop)

    assert f"./kinship restore {file}" in printed
    assert file.stat().st_mode & 0o777 == 0o600
    assert "overwrites nothing" in refusal(service, "backup", str(file))
    assert "Stop it first: ./kinship down" in refusal(service, "restore", str(file), "--force")

    assert f"{shop.count:,} products" in elsewhere.manage("restore", str(file))
    assert f"{shop.count:,} products" in refusal(elsewhere, "restore", str(file))
    secret = Layout(elsewhere.data_dir).data_dir / "secret_key"
    assert secret.read_text() == (service.data_dir / "secret_key").read_text()

    elsewhere.manage("up", "--detach", "--port", str(elsewhere.port), "--workers", "1")
    assert answers(elsewhere, shop) == before

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
    assert elsewhere.sql("SELECT count(*) FROM recommender_product") == [(shop.count,)]


@contextmanager
def repriced(service: Service) -> Iterator[None]:
    """Every product costs 1,000 more than it should, and the archive knows."""
    change = "UPDATE recommender_product SET price = price + %s"
    followed = "SELECT bool_and(restart_lsn >= pg_current_wal_lsn()) FROM pg_replication_slots"
    service.sql(change, 1000)
    wait_until(lambda: service.sql(followed) == [(True,)])
    try:
        yield
    finally:
        service.sql(change, -1000)


def test_any_moment_since_a_physical_backup_can_be_restored(
    service: Service, elsewhere: Service, shop: Shop, tmp_path: Path
) -> None:
    service.manage("backup", str(tmp_path), "--physical", "--keep", "1")
    printed = service.manage("backup", str(tmp_path), "--physical", "--keep", "1")
    (backup,) = tmp_path.iterdir()
    # The archive has what came after the backup, too.
    service.sql("CREATE TABLE made_after_the_backup ()")
    before = answers(service, shop)
    ((moment,),) = service.sql("SELECT clock_timestamp()")

    assert f"./kinship restore {backup}" in printed
    assert backup.stat().st_mode & 0o777 == 0o700
    assert printed.count("Removed") >= 1
    with repriced(service):
        assert answers(service, shop) != before
        for time, why in {
            (moment - timedelta(days=1)).isoformat(): "is before the backup was finished",
            (moment + timedelta(days=1)).isoformat(): "ends with the change of",
        }.items():
            said = refusal(elsewhere, "restore", str(backup), "--to-time", time)
            assert why in said
        to_time = moment.astimezone(UTC).isoformat()
        printed = elsewhere.manage("restore", str(backup), "--to-time", to_time)
    service.sql("DROP TABLE made_after_the_backup")

    assert f"{shop.count:,} products" in printed
    elsewhere.manage("up", "--detach", "--port", str(elsewhere.port), "--workers", "1")
    assert answers(elsewhere, shop) == before
    assert elsewhere.sql("SELECT * FROM made_after_the_backup") == []
    assert "a physical backup replaces none" in refusal(elsewhere, "restore", str(backup))


def test_an_archive_that_fails_is_shown_and_catches_up(service: Service) -> None:
    ((run,),) = service.sql("SELECT slot_name FROM pg_replication_slots")
    directory = Path(service.variables["KINSHIP_WAL_ARCHIVE"]) / run
    away = directory.with_name("away")

    def archive() -> tuple[str, str]:
        parts = json.loads(state(service))["services"]
        return parts["archive"]["state"], parts["archive"]["advice"] or ""

    directory.rename(away)
    service.sql("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots")
    wait_until(lambda: service.ready()[1]["archive"] != "ok")
    assert service.ready()[0] == httpx.codes.OK
    assert "nothing is archived since" in service.ready()[1]["archive"]
    assert str(directory) not in service.ready()[1]["archive"]
    state_, advice = archive()
    assert (state_, f"The archive {directory} is not there" in advice) == ("failing", True)

    away.rename(directory)
    wait_until(lambda: service.ready()[1]["archive"] == "ok", 60)
    assert archive()[0] == "running"


def state(service: Service) -> str:
    """What `status --json` prints, also where a part is missing."""
    done = subprocess.run(
        service.command("status", "--json"),
        env=service.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout
