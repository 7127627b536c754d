"""Run scripts with the official SDKs of this interpreter's environment, one after another.

What each printed, and how it failed, is printed as one JSON object by the scripts' names.
"""

import io
import json
import runpy
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path


def run(script: str) -> dict[str, str | None]:
    """What a script does as a program."""
    printed, failure = io.StringIO(), None
    with redirect_stdout(printed):
        try:
            runpy.run_path(script, run_name="__main__")
        except Exception:  # noqa: BLE001 - the others run all the same
            failure = traceback.format_exc()
    return {"printed": printed.getvalue(), "failure": failure}


print(json.dumps({Path(script).stem: run(script) for script in sys.argv[1:]}))
