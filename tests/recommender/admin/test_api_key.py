import re
from html import unescape

from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from recommender.catalog import catalogs, keys
from recommender.catalog.keys import key_digest
from recommender.models import ApiKey, Catalog

from . import page

LIST = "admin:recommender_apikey_changelist"
ADD = "admin:recommender_apikey_add"
_CODE = re.compile(r"<code>(.*?)</code>", re.DOTALL)
_KEY = re.compile(r"kin_[a-z]{3}_[\w-]{20,}")


def change(key: ApiKey) -> str:
    return reverse("admin:recommender_apikey_change", args=[key.pk])


def test_a_new_key_is_shown_once_and_works(admin_client: Client, catalog: Catalog) -> None:
    data = {"catalog": catalog.pk, "scope": "browser", "label": "web shop"}
    text = page.text(admin_client.post(reverse(ADD), data, follow=True))
    (plain,) = set(_KEY.findall(text))
    key = keys.find_key(plain)
    assert key is not None
    assert (key.catalog, key.scope, key.label) == (catalog, "browser", "web shop")
    later = page.text(admin_client.get(reverse(LIST)))
    assert "web shop" in later
    assert plain not in later
    assert plain not in page.text(admin_client.get(change(key)))


def tags(html: str) -> list[str]:
    """The tags of scripts that a page shows as text, to be copied."""
    return re.findall(r"<script src=.*?</script>", unescape("".join(_CODE.findall(html))))


def test_a_browser_key_comes_with_the_tag_that_a_page_pastes(
    admin_client: Client, catalog: Catalog
) -> None:
    data = {"catalog": catalog.pk, "scope": "browser", "label": "web shop"}
    html = admin_client.post(reverse(ADD), data, follow=True).content.decode()
    (tag,) = tags(html)
    source, key = re.findall(r'(?:src|data-key)="([^"]*)"', tag)
    assert keys.find_key(key) is not None
    loaded = admin_client.get(source.removeprefix("http://testserver"))
    assert "immutable" in loaded["Cache-Control"]
    assert f'integrity="{loaded["X-Kinship-Integrity"]}" crossorigin defer' in tag

    (later,) = tags(admin_client.get(change(ApiKey.objects.get())).content.decode())
    assert later == tag.replace(key, "PUT-THE-KEY-HERE")


def test_a_key_of_a_server_has_no_tag(admin_client: Client, catalog: Catalog) -> None:
    data = {"catalog": catalog.pk, "scope": "server", "label": "till"}
    assert tags(admin_client.post(reverse(ADD), data, follow=True).content.decode()) == []
    assert tags(admin_client.get(change(ApiKey.objects.get())).content.decode()) == []


def test_a_key_may_be_for_embedding_alone(admin_client: Client, catalog: Catalog) -> None:
    assert "Embed: the embedding endpoints only" in page.text(admin_client.get(reverse(ADD)))
    data = {"catalog": catalog.pk, "scope": "embed", "label": "search team"}
    text = page.text(admin_client.post(reverse(ADD), data, follow=True))
    (plain,) = _KEY.findall(text)
    key = keys.find_key(plain)
    assert key is not None
    assert key.scope == ApiKey.Scope.EMBED


def test_a_token_secret_is_shown_once(admin_client: Client, catalog: Catalog) -> None:
    data = {"catalog": catalog.pk, "scope": "token", "label": "web shop"}
    text = page.text(admin_client.post(reverse(ADD), data, follow=True))
    (secret,) = keys.token_secrets(catalog)
    assert secret in text
    assert secret not in page.text(admin_client.get(reverse(LIST)))


def test_the_hash_is_never_shown(admin_client: Client, catalog: Catalog) -> None:
    plain = catalogs.create_key(catalog, ApiKey.Scope.SERVER, "till")
    key = ApiKey.objects.get()
    for address in (reverse(LIST), change(key), reverse(ADD)):
        html = admin_client.get(address).content.decode()
        assert key_digest(plain).hex() not in html
        assert "digest" not in html.lower()


def test_a_revoked_key_works_no_more(admin_client: Client, catalog: Catalog) -> None:
    revoked = catalogs.create_key(catalog, ApiKey.Scope.SERVER, "old")
    kept = catalogs.create_key(catalog, ApiKey.Scope.SERVER, "new")
    chosen = ApiKey.objects.get(label="old")
    data = {"action": "revoke", "_selected_action": [chosen.pk]}
    text = page.text(admin_client.post(reverse(LIST), data, follow=True))
    assert "1 key revoked" in text
    assert keys.find_key(revoked) is None
    assert keys.find_key(kept) is not None
    again = page.text(admin_client.post(reverse(LIST), data, follow=True))
    assert "0 keys revoked" in again


def test_a_key_is_neither_edited_nor_deleted(admin_client: Client, catalog: Catalog) -> None:
    catalogs.create_key(catalog, ApiKey.Scope.BROWSER)
    key = ApiKey.objects.get()
    assert admin_client.post(change(key), {"scope": "server"}).status_code == 403
    delete = reverse("admin:recommender_apikey_delete", args=[key.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    key.refresh_from_db()
    assert key.scope == "browser"


def test_more_keys_take_no_more_queries(admin_client: Client, catalog: Catalog) -> None:
    catalogs.create_key(catalog, ApiKey.Scope.SERVER)
    few = page.queries(admin_client, reverse(LIST))
    for _ in range(10):
        catalogs.create_key(catalog, ApiKey.Scope.SERVER)
    assert page.queries(admin_client, reverse(LIST)) == few


def test_an_operator_is_added_and_can_log_in(admin_client: Client, client: Client) -> None:
    secret = "a-long-enough-secret-7"
    data = {
        "username": "clerk",
        "usable_password": "true",
        "password1": secret,
        "password2": secret,
    }
    response = admin_client.post(reverse("admin:auth_user_add"), data, follow=True)
    assert "added successfully" in page.text(response)
    User.objects.filter(username="clerk").update(is_staff=True)
    assert client.login(username="clerk", password=secret)


def test_the_pages_of_operators_and_their_groups_answer(
    admin_client: Client, admin_user: User
) -> None:
    group = Group.objects.create(name="Clerks")
    operator = reverse("admin:auth_user_change", args=[admin_user.pk])
    assert "admin" in page.text(admin_client.get(operator))
    assert "Clerks" in page.text(
        admin_client.get(reverse("admin:auth_group_change", args=[group.pk]))
    )


def test_a_key_is_made_with_limits_and_rotated(admin_client: Client, catalog: Catalog) -> None:
    data = {
        "catalog": catalog.pk,
        "scope": "browser",
        "origins": "https://a.test,https://b.test",
        "requests_per_minute": "60",
    }
    page.text(admin_client.post(reverse(ADD), data, follow=True))
    key = ApiKey.objects.get()
    assert (key.origins, key.requests_per_minute) == (["https://a.test", "https://b.test"], 60)

    chosen = {"action": "rotate", "_selected_action": [key.pk]}
    text = page.text(admin_client.post(reverse(LIST), chosen, follow=True))
    (plain,) = _KEY.findall(text)
    made = keys.find_key(plain)
    assert made is not None
    assert made.origins == key.origins
    assert "Until " in text


def test_an_origin_that_is_none_is_refused(admin_client: Client, catalog: Catalog) -> None:
    data = {"catalog": catalog.pk, "scope": "browser", "origins": "a.test"}
    assert "is no origin" in page.text(admin_client.post(reverse(ADD), data))
    assert not ApiKey.objects.exists()
