"""Guessing passwords: counted, logged, and refused after a while, by account and by address."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone
from structlog.testing import capture_logs

from recommender.admin.sign_in import (
    ACCOUNT_TRIES,
    ADDRESS_TRIES,
    WINDOW,
    Attempt,
    client_address,
)
from recommender.models import SignInTries

STRANGER, OPERATOR = "203.0.113.7", "198.51.100.4"


def sign_in(
    password: str, *, username: str = "admin", address: str = STRANGER, **headers: str
) -> HttpResponse:
    form = {"username": username, "password": password, "next": "/admin/"}
    return Client().post("/admin/login/", form, REMOTE_ADDR=address, headers=headers)


def guess(times: int, **options: str) -> list[int]:
    return [sign_in(f"guess {number}", **options).status_code for number in range(times)]


def pass_time(time: timedelta) -> None:
    for row in SignInTries.objects.all():
        row.until -= time
        row.save()


def test_too_many_wrong_passwords_lock_an_account_for_a_while(admin_user: User) -> None:
    assert guess(ACCOUNT_TRIES) == [200] * ACCOUNT_TRIES

    for username in ("admin", " admin ", "\N{FULLWIDTH LATIN SMALL LETTER A}dmin"):
        # Were they looked at, the right password would be let in.
        refused = sign_in("password", username=username)
        assert refused.status_code == 429
    assert 0 < int(refused["Retry-After"]) <= WINDOW.total_seconds()
    text = refused.content.decode()
    assert "Too many tries to sign in" in text
    assert f"{timezone.now() + WINDOW:%H:%M} UTC" in text or "in 15 minutes" in text
    assert sign_in("password", address="203.0.113.8").status_code == 429

    pass_time(WINDOW + timedelta(seconds=1))
    assert sign_in("password").status_code == 302


def test_many_accounts_tried_from_one_address_lock_the_address(admin_user: User) -> None:
    for number in range(ADDRESS_TRIES):
        assert sign_in("guess", username=f"user {number}").status_code == 200
    assert sign_in("guess", username="another").status_code == 429
    assert sign_in("password").status_code == 429
    assert sign_in("password", address=OPERATOR).status_code == 302


def test_strangers_do_not_lock_somebody_out_who_signed_in_before(admin_user: User) -> None:
    assert sign_in("password", address=OPERATOR).status_code == 302
    guess(ACCOUNT_TRIES + 1)
    assert sign_in("password", address=STRANGER).status_code == 429
    assert sign_in("password", address=OPERATOR).status_code == 302
    # Nor where others at the same address try other accounts.
    for number in range(ADDRESS_TRIES):
        sign_in("guess", username=f"user {number}", address=OPERATOR)
    assert sign_in("guess", username="another", address=OPERATOR).status_code == 429
    assert sign_in("password", address=OPERATOR).status_code == 302
    # Nor may the known address guess for ever.
    assert guess(ACCOUNT_TRIES + 1, address=OPERATOR)[-1] == 429


def test_a_right_password_forgets_the_wrong_ones_before_it(admin_user: User) -> None:
    for _ in range(3):
        assert guess(ACCOUNT_TRIES - 1) == [200] * (ACCOUNT_TRIES - 1)
        assert sign_in("password").status_code == 302


def test_what_has_ended_is_removed(admin_user: User) -> None:
    guess(3)
    pass_time(WINDOW * 2)
    sign_in("password")
    # How often from this address, and that it is known.
    assert SignInTries.objects.count() == 2


def test_each_try_is_in_the_log_and_no_name_ends_its_line(admin_user: User) -> None:
    with capture_logs() as lines:
        guess(1, username="a\nlevel=critical")
        guess(ACCOUNT_TRIES + 1)
        sign_in("password", address=OPERATOR)
    assert [line["event"] for line in lines] == [
        *["sign-in failed"] * (1 + ACCOUNT_TRIES),
        *["sign-in refused"] * 2,
    ]
    assert {line["account"] for line in lines} == {"'a\\nlevel=critical'", "admin"}
    assert {line["address"] for line in lines} == {STRANGER, OPERATOR}
    assert not any("guess" in str(line) for line in lines)


@pytest.mark.django_db(transaction=True)
def test_tries_that_come_at_once_are_counted_one_by_one() -> None:
    def count(_: int) -> bool:
        try:
            return Attempt("admin", STRANGER).count() is None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(count, range(40)))
    assert taken.count(True) == ACCOUNT_TRIES


def test_the_address_is_the_peers_or_what_the_trusted_proxy_says(
    rf: RequestFactory, settings: LazySettings
) -> None:
    request = rf.get("/", REMOTE_ADDR="10.0.0.1", headers={"X-Forwarded-For": "1.2.3.4, 5.6.7.8"})
    assert client_address(request) == "10.0.0.1"
    settings.TLS_PROXY = True
    assert client_address(request) == "5.6.7.8"
    for told, read in (
        ("5.6.7.8:4711", "5.6.7.8"),
        ("[2001:db8::1]:4711", "2001:db8::/64"),
        ("1.1.1.1, [2001:db8::2]", "2001:db8::/64"),
        ("::ffff:5.6.7.8", "5.6.7.8"),
        ("unknown", "unknown"),
    ):
        assert client_address(rf.get("/", headers={"X-Forwarded-For": told})) == read
    networks = {
        client_address(rf.get("/", REMOTE_ADDR=address))
        for address in ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:0:9::")
    }
    assert networks == {"2001:db8::/64"}
