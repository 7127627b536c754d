"""`./kinship demo` as a newcomer runs it: what it prints, and what its shoppers are offered."""

import re
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

import httpx
import pytest

from recommender.demo import SEED, Product, Shopper, load_products, shoppers
from tests.e2e.service import Service

pytestmark = pytest.mark.slow

PRODUCTS = {product["id"]: product for product in load_products()}


@pytest.fixture(scope="module")
def demo() -> Iterator[tuple[Service, str]]:
    """The demo, running, and what it printed until all was ready."""
    # Not tmp_path: every pytest session closes its parent to other users.
    with TemporaryDirectory(prefix="kinship-demo-") as directory:
        service = Service.under(Path(directory))
        with subprocess.Popen(
            service.command("demo", "--port", str(service.port)),
            env=service.environment,
            cwd="/",
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            # Should it hang, reading ends with it.
            guard = Timer(600, process.kill)
            guard.start()
            yield service, printed_by(process)
            guard.cancel()
            process.send_signal(signal.SIGINT)
            assert process.wait(60) in {130, -signal.SIGINT}
        assert service.processes() == []


def printed_by(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("Ctrl-C"):
            return printed
    raise AssertionError(f"It ended:\n{printed}")


def key_in(printed: str) -> str:
    (key,) = re.findall(r"API key  (kin_ser_\S+)", printed)
    return str(key)


def offered(service: Service, key: str, shopper: str, count: int) -> list[Product]:
    answer = httpx.get(
        f"{service.url}/v1/users/{shopper}/recommendations",
        params={"count": count},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    return [PRODUCTS[item["id"]] for item in answer.raise_for_status().json()["items"]]


def agreeable(products: list[Product], shopper: Shopper) -> int:
    """How many of them are what the shopper cares for."""
    return sum(any(taste.covers(product) for taste in shopper.tastes) for product in products)


def test_its_first_address_is_the_shop(demo):
    service, printed = demo
    address = re.search(r"Kinship is up .*?(http://\S+/)\n", printed, re.DOTALL)
    assert address
    page = httpx.get(address[1], timeout=30)
    assert page.status_code == httpx.codes.OK
    assert "For you" in page.text
    assert httpx.get(f"{service.url}/", timeout=30).status_code == httpx.codes.OK


def test_a_coffee_lover_is_offered_coffee_a_grinder_and_filters(
    demo: tuple[Service, str],
) -> None:
    service, printed = demo
    shown = offered(service, key_in(printed), "sim-coffee-lover-01", 12)
    titles = " / ".join(product["title"].lower() for product in shown)

    assert [product["category"] for product in shown].count("Food & Drink/Coffee") >= 2
    assert "grinder" in titles
    assert "filter papers" in titles
    assert "flour" not in titles
    departments = {"Food & Drink/Coffee", "Kitchen/Coffee & Tea", "Kitchen/Tableware"}
    assert {product["category"] for product in shown[:5]} <= departments


def test_every_taste_is_offered_what_a_person_would_agree_with(
    demo: tuple[Service, str],
) -> None:
    service, printed = demo
    key = key_in(printed)
    people = shoppers(SEED)
    fitting = {
        shopper.external_id: agreeable(offered(service, key, shopper.external_id, 5), shopper)
        for shopper in people
    }

    # Who has seen almost all of what they care for is offered what is near it.
    assert sum(fitting.values()) / (5 * len(people)) > 0.88
    assert sum(count == 5 for count in fitting.values()) / len(people) > 0.75
    of_taste: dict[str, list[int]] = defaultdict(list)
    for name, count in fitting.items():
        of_taste[name.rpartition("-")[0]].append(count)
    means = {taste: sum(counts) / len(counts) for taste, counts in of_taste.items()}
    # Most of what each taste is offered fits; one shopper alone may have seen all of it by now.
    assert min(means.values()) > 3, means


def test_started_again_it_says_where_it_runs_and_how_to_come_in(
    demo: tuple[Service, str],
) -> None:
    service, printed = demo
    (password,) = re.findall(r"user admin   password (\S+)", printed)

    again = service.manage("demo")

    assert f"Kinship is up with the sample store at {service.url}" in again
    assert f"user admin   password {password}\n" in again
    assert key_in(again) == key_in(printed)
    assert "It was running already; `./kinship down` stops it." in again

    service.manage("shell", "-v", "0", "-c", CHOOSE_A_PASSWORD)
    assert "anew: ./kinship changepassword admin" in service.manage("demo")


CHOOSE_A_PASSWORD = """
from django.contrib.auth import get_user_model
admin = get_user_model().objects.get(username="admin")
admin.set_password("a long password of mine")
admin.save()
"""
