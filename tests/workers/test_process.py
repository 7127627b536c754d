import os
import subprocess
import sys

from recommender.stack.config import PROJECT_DIR

# What a child process of the worker does when it starts.
START = """
import gc, os
import django
django.setup()
import workers.apps
from celery.signals import worker_process_init
worker_process_init.send(None)
print(gc.get_freeze_count() > 100_000, os.environ["TOKENIZERS_PARALLELISM"])
"""


def test_a_process_of_the_worker_starts_with_what_is_loaded_set_aside() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "recommender.settings"}
    environment.pop("TOKENIZERS_PARALLELISM", None)

    run = subprocess.run(
        [sys.executable, "-c", START],
        cwd=PROJECT_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.stdout.split() == ["True", "false"], run.stderr
