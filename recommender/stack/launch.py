"""Running a service: in this process, or detached from it."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from recommender.stack import logfile
from recommender.stack.claim import claimed
from recommender.stack.embedded import stop
from recommender.stack.errors import StackError
from recommender.stack.layout import PROJECT_DIR, Layout
from recommender.stack.preparation import prepare
from recommender.stack.record import remove_record
from recommender.stack.service import Service
from recommender.stack.stop_signals import StopSignals
from recommender.stack.supervisor import Supervisor
from recommender.stack.takedown import take_down
