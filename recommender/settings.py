"""Django settings; the only module that reads the environment."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured
from django.templatetags.static import static

from recommender import logs, stack, telemetry_config
from recommender.providers import config as models_config

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str, default: bool) -> bool:
    value = os.environ.get(name, str(default)).strip().lower()
    if value not in {"1", "0", "true", "false", "yes", "no", "on", "off"}:
        raise ImproperlyConfigured(f"{name}={value!r} is not a yes or a no; use 1 or 0.")
    return value in {"1", "true", "yes", "on"}


def _number(name: str, default: float, low: float, high: float) -> float:
    value = os.environ.get(name, str(default))
    try:
        number = float(value)
    except ValueError as exc:
        raise ImproperlyConfigured(f"{name}={value!r} is not a number.") from exc
    if not low <= number <= high:
        raise ImproperlyConfigured(f"{name}={value} is outside {low:g} to {high:g}.")
    return number


def _words(name: str, default: str) -> list[str]:
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _secret_key(config: stack.StackConfig) -> str:
    """The key from the environment, else one made once and kept under the data directory."""
    if key := os.environ.get("KINSHIP_SECRET_KEY", "").strip():
        return stack.check_secret_key(key)
    stack.ensure_data_dir(config)
    return stack.read_or_make_secret_key(config.data_dir / "secret_key")


STACK = stack.read_config(os.environ, BASE_DIR)
# What a backup keeps of the environment.
VARIABLES = {name: os.environ[name] for name in sorted(os.environ) if name.startswith("KINSHIP_")}

DEBUG = _flag("KINSHIP_DEBUG", False)
SECRET_KEY = _secret_key(STACK)
ALLOWED_HOSTS = _words("KINSHIP_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = _words("KINSHIP_ORIGINS", "")
# A proxy that speaks TLS is in front, and says by X-Forwarded-Proto and -For how and who asks.
TLS_PROXY = _flag("KINSHIP_TLS", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TLS_PROXY else None
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = TLS_PROXY
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if TLS_PROXY else 0
# Whether strangers may read /docs and /openapi.json, or only who is signed in to the admin.
PUBLIC_DOCS = _flag("KINSHIP_PUBLIC_DOCS", True)
# Whether catalogs that are marked for it are shown to everybody in the shop at /.
SHOP = _flag("KINSHIP_SHOP", True)
PORT = int(_number("KINSHIP_PORT", 8000, 1, 65535))

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    # The admin's pages are loaded with the addresses: a command or a worker has no use for them.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "django_celery_beat",
    "django_htmx",
    "ninja",
    "recommender",
    "workers",
]

# The API answers thousands of times a second and uses neither sessions nor messages: the admin's
# middleware runs for the admin's paths only, the shop's for the shop's.
MIDDLEWARE = ["recommender.middleware.PagesOnly"]
# Where pages call the API from a browser, with a browser key.
CORS_ALLOWED_ORIGINS = _words("KINSHIP_CORS_ORIGINS", "")
CORS_URLS_REGEX = r"^/v1/"
CORS_ALLOW_HEADERS = (*default_headers, "x-kinship-user-token", "x-request-id")
CORS_EXPOSE_HEADERS = (
    *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
    *("retry-after", "x-request-id"),
)
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(0, "corsheaders.middleware.CorsMiddleware")
ADMIN_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Who a visitor is, is in a signed cookie: strangers make no rows of sessions.
SHOP_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # A page of lists is a sixth of its size then; random padding keeps its token a secret (BREACH).
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

SILENCED_SYSTEM_CHECKS = [
    # The admin's middleware is there, inside PagesOnly.
    *("admin.E408", "admin.E409", "admin.E410"),
    *("security.W001", "security.W002", "security.W003"),
]

ROOT_URLCONF = "recommender.urls"
APPEND_SLASH = True

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        # Before Unfold's, of which one is changed.
        "DIRS": [BASE_DIR / "recommender" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

_database = stack.database_parameters(STACK)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **_database,
        # A thread keeps its connection: the cheapest pool there is, bounded by the threads.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "connect_timeout": 5,
            # Seconds and, for the last, milliseconds: a server that is gone is not waited for.
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
            # Used by recommender.database only; the ORM binds in the client.
            "prepare_threshold": 5,
            # Short queries gain nothing from JIT; a filtered index scan goes on until it has
            # enough rows instead of returning too few (pgvector 0.8).
            "options": "-c jit=off -c hnsw.iterative_scan=strict_order",
        },
    }
}
# Of a web process; what takes longer than that is not asked for by a request.
STATEMENT_SECONDS = _number("KINSHIP_STATEMENT_SECONDS", 10, 0.1, 3600)
# How much of a training may search for settings of its learners; with 0 all have their defaults.
TUNING_SHARE = _number("KINSHIP_TUNING_SHARE", 1 / 3, 0, 0.9)
# A sender that takes longer is sent away; it holds a little memory until then, and no thread.
BODY_SECONDS = _number("KINSHIP_BODY_SECONDS", 30, 1, 3600)
# What is not answered by then is answered with 503: the database or a provider hangs.
ANSWER_SECONDS = _number("KINSHIP_ANSWER_SECONDS", 120, 1, 3600)
# What takes longer is logged, with its request's id.
SLOW_SECONDS = _number("KINSHIP_SLOW_SECONDS", 1, 0, 3600)
# Who may read /metrics from elsewhere; where processes count, which prometheus-client reads too.
METRICS_TOKEN = os.environ.get("KINSHIP_METRICS_TOKEN", "").strip()
METRICS_DIRECTORY = os.environ.get("PROMETHEUS_MULTIPROC_DIR") or None
# Whether spans are told to a collector; the SDK of OpenTelemetry reads its variables itself, too.
TRACES = telemetry_config.is_wanted(os.environ)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CELERY_BROKER_URL = stack.broker_url(STACK)
# Where the use of keys is counted; each process counts for itself where the broker is no Valkey.
LIMITS_URL = stack.limits_url(STACK)
CELERY_TASK_ACKS_LATE = True
# What is not published now, the sweep finds; a request must not wait for a broker that is down.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
# No results are kept, so there are none to clean up.
CELERY_RESULT_EXPIRES = None
CELERY_TASK_DEFAULT_QUEUE = "kinship"
CELERY_TASK_TIME_LIMIT = 3600
# Training and evaluating: twenty million events take longer than any other task may.
LEARNING_SECONDS = 6 * 3600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than the longest task, or the broker would hand a running one to a second worker.
    "visibility_timeout": LEARNING_SECONDS + 400,
    "socket_timeout": 10,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 15,
    "max_retries": 3,
    "interval_start": 0.1,
    "interval_step": 0.2,
    "interval_max": 0.5,
}
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_TIMEZONE = "UTC"

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False
FORMAT_MODULE_PATH = "recommender.locale"
STATIC_URL = "/static/"
STATIC_ROOT = STACK.data_dir / "static"
DATA_UPLOAD_MAX_MEMORY_SIZE = int(_number("KINSHIP_MAX_BODY_MB", 32, 1, 1024)) * 1024 * 1024
# Everybody can read a browser key: what it sends is a page's events, or a filter.
BROWSER_BODY_BYTES = int(_number("KINSHIP_BROWSER_BODY_KB", 256, 1, 1024 * 1024)) * 1024
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

# The share of the exact nearest neighbours that an index must find; ef_search is raised until
# it does, when a space is activated.
RECALL_TARGET = _number("KINSHIP_RECALL_TARGET", 0.95, 0.5, 1.0)
# Where no more products than this pass a filter, comparing all of them is faster and exact.
EXACT_LIMIT = int(_number("KINSHIP_EXACT_LIMIT", 20_000, 0, 10_000_000))
# Changes and additions to the table of embedding models, and the providers' keys and addresses.
MODELS = models_config.read_config(os.environ, BASE_DIR)
# Hosts that pictures, videos and feeds are fetched from though they are not on the public internet.
MEDIA_HOSTS = frozenset(host.lower() for host in _words("KINSHIP_MEDIA_HOSTS", ""))
# How large a file at an address may be.
FEED_BYTES = int(_number("KINSHIP_FEED_MAX_MB", 1_000, 1, 1_000_000) * 1_000_000)
# The text model of a new catalog; a key of recommender.providers.models.
DEFAULT_MODEL = os.environ.get("KINSHIP_DEFAULT_MODEL", "wordllama-256")
# All fields of a product: what is shown, filtered and embedded of one thing is some kilobytes.
PRODUCT_BYTES = int(_number("KINSHIP_PRODUCT_KB", 256, 1, 10_240)) * 1024
# Each attribute may be filtered by, and all of them are read with each key: names belong to kinds
# of things, values to things.
CATALOG_ATTRIBUTES = int(_number("KINSHIP_CATALOG_ATTRIBUTES", 1_000, 1, 100_000))
# How long ago an event may have happened: each month of events is a table. What browsers send
# happens now; what shops send or import may be the history of decades.
OLDEST_EVENT = timedelta(days=_number("KINSHIP_EVENT_DAYS", 14_610, 1, 36_500))
OLDEST_BROWSER_EVENT = timedelta(days=_number("KINSHIP_BROWSER_EVENT_DAYS", 7, 0.01, 36_500))
# A vector that a hosted model was paid for is kept for so many days after its last use.
CACHE_DAYS = int(_number("KINSHIP_CACHE_DAYS", 400, 1, 36_500))

logs.configure(
    as_json=_flag("KINSHIP_LOG_JSON", False), level=os.environ.get("KINSHIP_LOG_LEVEL", "INFO")
)
LOGGING_CONFIG = None

UNFOLD = {
    "SITE_TITLE": "Kinship",
    "SITE_HEADER": "Kinship",
    "SITE_SUBHEADER": "Recommendations in Postgres",
    "SITE_SYMBOL": "hub",
    "STYLES": [lambda _: static("recommender/admin.css")],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "recommender.admin.dashboard.fill",
    "SIDEBAR": {"navigation": "recommender.admin.dashboard.navigation"},
}
