from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from . import page


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
