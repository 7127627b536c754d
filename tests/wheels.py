"""What `pip install` of a project takes, built without a network."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile


def build(project: Path, directory: Path) -> ZipFile:
    """The wheel of a project, made in an empty directory."""
    built = subprocess.run(
        [
            *(sys.executable, "-m", "uv", "build", "--wheel", "--offline"),
            *("--out-dir", directory, project),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert built.returncode == 0, built.stderr
    (path,) = directory.glob("*.whl")
    return ZipFile(path)
