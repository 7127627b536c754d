"""YAML as people write it, by the core schema of YAML 1.2: `no` and `12:30` are texts.

PyYAML reads 1.1, where they are false and 750; its own safe reader would also take tags.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

# Of what an alias repeats, too: so a few lines cannot become more than there is memory for.
_MOST_VALUES = 1_000_000

# https://yaml.org/spec/1.2.2/#1032-tag-resolution
_CORE = (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    (
        "float",
        r"^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$",
        list("-+.0123456789"),
    ),
)


class _Loader(yaml.SafeLoader):
    """Scalars by the core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own


class _Dumper(yaml.SafeDumper):
    """The same: what would be read as a number is quoted where it is a text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write a value as often as it is there."""
        return True


# PyYAML takes these for ends of lines, and folds them outside of double quotes.
_BREAKS = re.compile("[\x85\u2028\u2029]")


def _represented(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAKS.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _represented)

for _name, _pattern, _first in _CORE:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(_pattern), _first)

Path = tuple[Hashable, ...]


class YamlError(ValueError):
    """The text is no YAML, or not of values that JSON has; the message says at which line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(slots=True)
class Document:
    """A value, and at which line each part of it is."""

    value: Any
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """Where a part is, or the nearest that it would be in."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read(text: str) -> Document:
    """The value of a text.

    Raises:
        YamlError: it is none, has a key twice, a tag, or more than a million values.
    """
    document = Document(None)
    try:
        node = yaml.compose(text, _Loader)
        if node is not None:
            document.value = _Reading(document.lines).value(node, ())
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line = 1 if mark is None else mark.line + 1
        raise YamlError(line, f"{exc.problem or exc.context}.") from exc
    except yaml.YAMLError as exc:
        raise YamlError(1, str(exc)) from exc
    except RecursionError as exc:
        raise YamlError(1, "It nests too deep.") from exc
    return document


def write(value: Any) -> str:
    """A value of JSON as YAML, its members in their order."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return text


class _Reading:
    """From nodes to values."""

    def __init__(self, lines: dict[Path, int]) -> None:
        self._lines = lines
        self._values = 0

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._values += 1
        if self._values > _MOST_VALUES:
            raise _wrong(node, f"There are more than {_MOST_VALUES:,} values.")
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            _check_tag(node, "map")
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            _check_tag(node, "seq")
            return [self.value(one, (*path, place)) for place, one in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Mapping[str, Any]:
        read: dict[str, Any] = {}
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise _wrong(name, "A name is a text.")
            if name.value in read:
                raise _wrong(name, f"{name.value!r} is there twice.")
            self._lines[*path, name.value] = name.start_mark.line + 1
            read[name.value] = self.value(value, (*path, name.value))
        return read


def _scalar(node: yaml.Node) -> Any:
    kind, text = node.tag.rpartition(":")[2], node.value
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError as exc:
        raise _wrong(node, f"{text[:40]!r} is no {kind}.") from exc
    raise _unread(node)


def _check_tag(node: yaml.Node, kind: str) -> None:
    if node.tag != f"tag:yaml.org,2002:{kind}":
        raise _unread(node)


def _unread(node: yaml.Node) -> YamlError:
    return _wrong(node, f"The tag {node.tag} is not read here; leave it out.")


def _wrong(node: yaml.Node, message: str) -> YamlError:
    return YamlError(node.start_mark.line + 1, message)
