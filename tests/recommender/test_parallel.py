import os
import signal
import subprocess
import sys
import time

import psutil

from recommender.parallel import Processes

_PARENT = """
import time
from recommender.parallel import Processes
with Processes(lambda seconds: time.sleep(seconds), 2) as workers:
    tasks = [workers.submit(seconds) for seconds in (0, 60, 60)]
    tasks[0].result()
    print("begun", flush=True)
    tasks[1].result()
"""


def test_other_processes_do_the_work_and_what_they_raise_is_raised_here() -> None:
    with Processes(lambda number: (os.getpid(), 1 / number), 2) as workers:
        done = [workers.submit(number).result() for number in (1, 2, 4)]
        failed = workers.submit(0)

        assert [result for _, result in done] == [1, 0.5, 0.25]
        assert os.getpid() not in {pid for pid, _ in done}
        assert isinstance(failed.exception(), ZeroDivisionError)


def test_children_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "begun\n"
    children = psutil.Process(parent.pid).children(recursive=True)

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    until = time.monotonic() + 20
    while any(child.is_running() for child in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert children
    assert not [child for child in children if child.is_running()]
