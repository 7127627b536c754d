"""The tests that the page on reliability names are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_NAMED = re.compile(r"`(tests/[\w/]+\.py)?(?:::(test_\w+))?`")


def test_every_test_that_is_named_exists():
    page = (ROOT / "docs/reliability.md").read_text()
    file, names = "", 0
    for path, name in _NAMED.findall(page):
        file = path or file
        if name:
            names += 1
            assert f"def {name}(" in (ROOT / file).read_text(), (file, name)
        elif path:
            assert (ROOT / file).exists(), file
    assert names > 40
