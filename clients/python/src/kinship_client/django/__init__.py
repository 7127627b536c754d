"""Kinship in a shop's own Django project: products out, events out, lists in."""

from kinship_client.django.events import track
from kinship_client.django.lists import Products, recommend, related
from kinship_client.django.registration import register
from kinship_client.django.sending import send

__all__ = ["Products", "recommend", "register", "related", "send", "track"]
