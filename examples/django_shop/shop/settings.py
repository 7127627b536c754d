"""A small shop's settings. What Kinship needs is marked."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[1]

SECRET_KEY = os.environ.get("SHOP_SECRET_KEY", "for this example alone")
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "shop",
    "kinship_client.django",  # Kinship: signals, the template's tags, kinship_sync
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "kinship_client.django.visitors.VisitorMiddleware",  # Kinship: who a request is of
]
ROOT_URLCONF = "shop.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",  # Kinship: the tags ask for it
                "django.contrib.auth.context_processors.auth",
            ]
        },
    }
]
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
LOGIN_REDIRECT_URL = "home"

KINSHIP = {
    "URL": os.environ.get("KINSHIP_URL", ""),
    "KEY": os.environ.get("KINSHIP_KEY", ""),
    "TIMEOUT": float(os.environ.get("KINSHIP_TIMEOUT", "0.8")),  # seconds that a page waits
    "CONSENT": "shop.consent.is_given",
    "LISTS": {
        "home": {"count": 6, "explain": True},
        "cart": {"count": 3},
        "bestsellers": {"operation": "popular", "count": 3},
    },
}
