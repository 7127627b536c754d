"""The queue that tasks wait in, on the real broker, and a worker of one thread for it."""

from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty
from typing import Any

from kombu import Connection, Queue

from workers import celery_app

Sent = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class Broker:
    """The tasks that wait, by name and arguments, first sent first."""

    connection: Connection

    def take(self) -> list[Sent]:
        """What waits now; it waits no longer."""
        taken: list[Sent] = []
        with self.connection.SimpleQueue(Queue(celery_app.conf.task_default_queue)) as queue:
            while True:
                try:
                    message = queue.get(block=False)
                except Empty:
                    return taken
                message.ack()
                taken.append((message.headers["task"].removeprefix("workers."), message.payload[0]))

    def work(self, run: Callable[[str, list[Any]], object] | None = None) -> list[str]:
        """Run what waits, and what that sends, until nothing waits; the names of the tasks."""
        done: list[str] = []
        while waiting := self.take():
            for name, arguments in waiting:
                (run or run_task)(name, arguments)
                done.append(name)
                assert len(done) < 1000, "the tasks send each other without end"
        return done


def run_task(name: str, arguments: list[Any]) -> None:
    """Run a task as a worker would, in this thread."""
    celery_app.tasks[f"workers.{name}"](*arguments)


def run_twice(name: str, arguments: list[Any]) -> None:
    """What a broker may do to any task."""
    run_task(name, arguments)
    run_task(name, arguments)
