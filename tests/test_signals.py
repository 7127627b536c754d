import signal
import subprocess
import sys

import pytest

from recommender.stack.config import PROJECT_DIR

_SHOW = "import signal; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
_START = f"""
import subprocess, sys
from tests import signals
{_SHOW}
signals.restore()
sys.stdout.flush()
subprocess.run([sys.executable, "-c", {_SHOW!r}], check=True)
"""


@pytest.mark.parametrize(("trap", "before"), [("trap '' INT; ", "False"), ("", "True")])
def test_what_a_run_in_the_background_starts_heeds_ctrl_c(trap: str, before: str) -> None:
    shell = subprocess.run(
        ["sh", "-c", f'{trap}exec "$0" -c "$1"', sys.executable, _START],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert shell.stdout.split() == [before, "True"]


def test_this_run_heeds_ctrl_c_however_it_was_started() -> None:
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
