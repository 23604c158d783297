"""Markdown as data, and the parts of a text that are generated."""

import re

import pytest

from dezero_harness.prose.generated import between, no_place, renew
from dezero_harness.prose.markdown import (
    Block,
    blocks,
    code_spans,
    headings,
    items,
    programs,
    sections,
    title,
)

TEXT = """\
# The title

Before, with `a` and `b
c`.

## One

- first item
  goes on
- 2 is the second

1. numbered

```python
# no heading
x = 1
```

```text
1
```

### Below

    ## no heading either

## Two
"""


def test_headings_and_sections():
    assert title(TEXT) == "The title"
    assert [(h.level, h.text) for h in headings(TEXT)] == [
        (1, "The title"),
        (2, "One"),
        (3, "Below"),
        (2, "Two"),
    ]
    found = sections(TEXT)
    assert list(found) == ["", "One", "Two"]
    assert found[""] == "Before, with `a` and `b\nc`."
    assert "### Below" in found["One"]
    assert list(sections(TEXT, deepest=6)) == ["", "One", "Below", "Two"]
    assert sections("") == {"": ""}


def test_blocks_are_as_they_were_written():
    found = blocks(sections(TEXT)["One"])
    kinds = ["item", "item", "item", "fence", "fence", "heading", "code_block"]
    assert [block.kind for block in found] == kinds
    assert items(TEXT) == ["first item\ngoes on", "2 is the second", "numbered"]
    assert found[4] == Block("fence", "```text\n1\n```")


def test_code_is_what_stands_in_backticks_and_not_in_blocks():
    assert code_spans(TEXT) == ["a", "b c"]
    (program,) = programs(TEXT)
    assert (program.source, program.prints) == ("# no heading\nx = 1\n", "1\n")
    lines = TEXT.splitlines()
    assert (lines[program.start], lines[program.stop - 1]) == ("```python", "```")
    assert programs("```python\n1\n```\nWords.\n```text\n1\n```\n")[0].prints == ""


MARKED = "# T\n\n<!-- here -->\nold\n<!-- /here -->\n\nThere are 7 of them.\n"
FIGURE = re.compile(r"(?<=There are )\d+")


@pytest.mark.parametrize(
    ("place", "new", "then"), [("here", "new\n", "old"), (FIGURE, "8", "There are 7 of them.")]
)
def test_a_generated_part_is_compared_and_renewed(tmp_path, place, new, then):
    file = tmp_path / "README.md"
    file.write_text(MARKED, "utf-8")
    wrong = renew(file, place, new, command="make it")
    assert f"-{then}\n" in wrong
    assert wrong.endswith(f"{file} is stale; refresh it with: make it")
    assert file.read_text("utf-8") == MARKED
    assert renew(file, place, new, command="make it", write=True) == ""
    assert renew(file, place, new, command="make it") == ""
    changed = {"here": MARKED.replace("old", "new")}.get(place, MARKED.replace("7", "8"))
    assert file.read_text("utf-8") == changed


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        (None, "here", "is no file"),
        ("# T\n", "here", "put the lines <!-- here --> and <!-- /here -->"),
        ("<!-- here -->\n", "here", "put the lines <!-- here -->"),
        ("# T\n", FIGURE, "nothing there matches"),
    ],
)
def test_a_text_without_a_place_is_left_as_it_is(tmp_path, text, place, says):
    file = tmp_path / "README.md"
    if text is not None:
        file.write_text(text, "utf-8")
    assert says in no_place(file, place, "make it")
    assert says in renew(file, place, "new", command="make it", write=True)
    assert text is None or file.read_text("utf-8") == text


def test_what_stands_between_markers():
    assert between(MARKED, "here") == "old\n"
    assert between(MARKED, "there") is None
