import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from recommender import telemetry_config
from recommender.stack.config import PROJECT_DIR

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}

# All that web and worker load before their first request and task.
LOAD = """
import sys
import recommender.asgi
import workers.app
import workers.tasks
from celery.signals import worker_process_init
worker_process_init.send(None)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"opentelemetry", "google"}))
"""


@pytest.mark.parametrize(
    ("environ", "is_wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_SERVICE_NAME": "shop"}, False),
        (ENDPOINT, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        (ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, True),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "true"}, False),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, False),
    ],
)
def test_traces_are_wanted_where_the_standard_variables_name_a_collector(
    environ: dict[str, str], *, is_wanted: bool
) -> None:
    assert telemetry_config.is_wanted(environ) is is_wanted


def test_a_protocol_that_is_not_spoken_is_refused_and_not_ignored() -> None:
    with pytest.raises(ImproperlyConfigured, match="http/protobuf, not by 'grpc'"):
        telemetry_config.is_wanted(ENDPOINT | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_who_names_no_collector_loads_nothing_of_opentelemetry() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    run = subprocess.run(
        [sys.executable, "-c", LOAD],
        cwd=PROJECT_DIR,
        env=environment | {"DJANGO_SETTINGS_MODULE": "recommender.settings"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert run.stdout.strip() == "[]", run.stderr
