import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.management import yaml_file
from recommender.management.yaml_file import YamlError

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS
    | st.sampled_from(
        [
            "no",
            "\x85",
            "a\u2028b",
            "12:30",
            "1e3",
            "0x1f",
            "2026-11-28",
            "~",
            "<<",
            "=",
            "1_000",
            "",
        ]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_what_is_written_reads_as_it_was(value):
    assert yaml_file.read(yaml_file.write(value)).value == value


def test_words_and_times_are_texts_and_numbers_are_numbers():
    text = "a: no\nb: 12:30\nc: 2026-11-28\nd: 0.5\ne: 7\nf: true\ng:\nh: 1e3\non: 1\n"
    assert yaml_file.read(text).value == {
        "a": "no",
        "b": "12:30",
        "c": "2026-11-28",
        "d": 0.5,
        "e": 7,
        "f": True,
        "g": None,
        "h": 1000.0,
        "on": 1,
    }


def test_a_file_of_json_is_one_of_yaml():
    assert yaml_file.read('{"a": [1, "b", null, 0.5]}').value == {"a": [1, "b", None, 0.5]}


def test_each_part_has_its_line_and_what_is_not_there_that_of_what_it_would_be_in():
    document = yaml_file.read("a:\n  - b: 1\n  -\n    c.d: 2\n")
    assert document.line(("a", 1, "c.d")) == 4
    assert document.line(("a", 0, "b")) == 2
    assert document.line(("a", 1, "x", "y")) == 4
    assert document.line(("z",)) == 1


def test_what_is_repeated_by_an_alias_is_there_twice():
    assert yaml_file.read("a: &x {n: 1}\nb: *x\n").value == {"a": {"n": 1}, "b": {"n": 1}}


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is there twice"),
        ("a: 1\nb: [\n", 3, "expected the node content"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "tag .*os.system is not read"),
        ("a: 1\nb: !x 1\n", 2, "tag !x is not read"),
        ("a: 1\n? [b]\n: 2\n", 2, "A name is a text"),
        ("a: \x00", 1, "special characters are not allowed"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("[" * 5_000, 1, "nests too deep"),
        ("a: !!int x\n", 1, "'x' is no int"),
    ],
)
def test_what_is_no_document_says_why_and_where(text, line, complaint):
    with pytest.raises(YamlError, match=complaint) as error:
        yaml_file.read(text)
    assert error.value.line == line


def test_aliases_of_aliases_do_not_grow_beyond_measure():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    with pytest.raises(YamlError, match="more than 1,000,000 values"):
        yaml_file.read("\n".join(lines))


def test_a_list_that_holds_itself_is_refused():
    with pytest.raises(YamlError, match=r"too deep|recursive"):
        yaml_file.read("&a [*a]")
