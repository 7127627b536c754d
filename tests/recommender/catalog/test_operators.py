import pytest
from django.contrib.auth.models import Group, Permission, User

from recommender.catalog.operators import GROUPS, make_groups

pytestmark = pytest.mark.django_db


def member(group: str) -> User:
    person = User.objects.create_user("person", is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    return person


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_there_with_just_its_permissions(name: str) -> None:
    found = Permission.objects.filter(group__name=name)
    assert {one.codename for one in found} == GROUPS[name]
    assert {one.content_type.app_label for one in found} == {"recommender"}


def test_an_analyst_changes_nothing() -> None:
    assert not any(name.startswith(("change_", "delete_")) for name in GROUPS["Analyst"])
    assert member("Analyst").has_perm("recommender.view_effectfigure")


def test_a_merchandiser_shapes_lists_and_gets_no_keys_money_or_people() -> None:
    person = member("Merchandiser")
    assert person.has_perm("recommender.change_placement")
    assert person.has_perm("recommender.add_upload")
    for name in ("view_apikey", "add_apikey", "change_catalog", "delete_catalog", "change_space"):
        assert not person.has_perm(f"recommender.{name}")
    assert not person.has_perm("recommender.view_embeddingspend")
    assert not person.has_perm("auth.change_user")


def test_what_a_person_changed_of_a_group_stays() -> None:
    group = Group.objects.get(name="Analyst")
    group.permissions.clear()
    make_groups()
    assert not group.permissions.exists()
    group.delete()
    make_groups()
    assert Group.objects.get(name="Analyst").permissions.count() == len(GROUPS["Analyst"])
