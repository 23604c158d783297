"""The pages of the site hold what the repository holds, in the right place."""

import argparse
import dataclasses
import html
from itertools import pairwise

import pytest

from dezero_harness import cases
from dezero_harness.diffs.changes import _runs, changes, remarked
from dezero_harness.diffs.difference import hunks, stages_of
from dezero_harness.diffs.remarks import remarks
from dezero_harness.prose.markdown import sections
from dezero_harness.site import api, differences, examples, pages, text
from dezero_harness.site.__main__ import ROOT, on_the_web
from dezero_harness.site.expected_output import Example


def chapter(number):
    return next(c for c in pages.chapters(ROOT) if c.number == number)


def placed(number):
    """Where the remarks of a chapter stand: {number: (file, names, first line)}; and the rest."""
    one = chapter(number)
    found, in_front = remarked(one.files, one.before, one.folder)
    homes = {
        remark.number: (change.file.path.name, change.names, change.text)
        for change in found
        for remark in change.remarks
    }
    return homes, [remark.number for remark in in_front]


@pytest.mark.parametrize("number", range(32, 37))
def test_every_remark_is_shown_once(number):
    homes, in_front = placed(number)
    numbers = [remark.number for remark in remarks(chapter(number).folder)]
    assert numbers
    assert sorted([*homes, *in_front]) == numbers


@pytest.mark.parametrize(
    ("number", "opens_with", "name"),
    [
        (32, "**`grad`**", "Variable.grad"),
        (32, "**`backward`**", "Variable.backward"),
        (32, "**`Parameter`**", "Parameter"),
        (32, "**`Function.backward`**", "Function.backward"),
        (32, "**`cast`**", "cast"),
        (32, "**`Mul`", "Mul.backward"),
        (34, "`Sin.forward`", "Sin.forward"),
        (34, "`Cos.backward`", "Cos.backward"),
        (35, "`self.outputs[0]()`", "Tanh.backward"),
        (35, "`Mul.backward`", "Mul.backward"),
        (36, "`Variable.backward`", "Variable.backward"),
        (36, "`Elementwise`", "Elementwise"),
        (36, "`BroadcastTo`", "BroadcastTo"),
        (36, "`operand`", "operand"),
        (36, "`sum` has no class", "sum"),
        (36, "`Transpose.backward`", "Transpose.backward"),
        (36, "`MatMul.backward`", "MatMul.backward"),
    ],
)
def test_a_remark_stands_at_the_code_it_names(number, opens_with, name):
    (remark,) = [r for r in remarks(chapter(number).folder) if r.text.startswith(opens_with)]
    assert name in placed(number)[0][remark.number][1]


def test_a_remark_on_what_did_not_change_stands_in_front():
    homes, in_front = placed(33)
    assert in_front == [2]  # that core.py is the same
    assert "is_simple_core" in homes[1][2]


@pytest.mark.parametrize(("number", "code"), [(32, "difference, line by line"), (31, "to read")])
def test_a_chapter_s_page_has_idea_figures_difference_programs_exercises_cases(number, code):
    page = pages.chapter_page(chapter(number), [], "DRAGGED", ["WALK"])
    heads = [line for line in page.splitlines() if line.startswith("## ")]
    assert heads == [
        "## See the engine work",
        f"## {'The' if number == 32 else 'What'} {code}",
        "## What can be observed",
        "## What still fails",
        "## The examples, run",
        "## Exercises",
        "## The cases of this chapter",
    ]
    assert page.index("DRAGGED") < page.index(heads[0]) < page.index("WALK") < page.index(heads[1])


def test_answers_are_folded_and_nothing_of_them_is_lost():
    text = "Text.\n\n1. **One.** Ask\n   more. *Check:* 24, and\n   44.\n2. **Two.** No check.\n"
    shown = pages._with_answers(text)
    question, _, answer = shown.partition("<details")
    assert "Ask\n   more." in question
    assert answer.index("</summary>") < answer.index("24, and\n   44.") < answer.index("</details>")
    assert shown.index("</details>") < shown.index("2. **Two.** No check.")
    for number in range(31, 37):
        exercises = sections(chapter(number).readme)["Exercises"]
        folded = pages._with_answers(exercises)
        assert folded.count("<details") == exercises.count("*Check:*") == 3


def test_every_remark_of_a_chapter_is_on_its_page():
    one = chapter(32)
    page = pages.chapter_page(one, [], "", [])
    for remark in remarks(one.folder):
        assert page.count(remark.text) == 1


def test_all_cases_are_on_the_pages():
    grouped = {n: pages.cases_of(n) for n in sorted(stages_of(ROOT))}
    listed = [case.id for groups in grouped.values() for here in groups.values() for case in here]
    assert sorted(listed) == sorted(case.id for case in cases.ALL)
    page = pages.cases_page(chapter(35))
    for case in (case for here in grouped[35].values() for case in here):
        assert f'id="{case.id}"' in page
        assert html.escape(case.statement) in page
        assert html.escape(case.source) in page


def api_page(number):
    return api.page(ROOT, number, chapter(number).folder)


def test_what_an_engine_fails_in_leads_to_the_case_with_its_program():
    named = cases.ALL[0]
    page = pages.with_cases(f"fails in `{named.id}`, not in `grad`")
    link = f'<a href="step{named.chapter}/cases.html#{named.id}"><code>{named.id}</code></a>'
    assert page == f"fails in {link}, not in `grad`"
    assert f'id="{named.id}"' in pages.cases_page(chapter(named.chapter))


def test_the_api_of_a_stage_is_its_own():
    first, last = api_page(31), api_page(36)
    assert "### `matmul`" in last
    assert "### `matmul`" not in first
    assert "backward(retain_grad: bool = False, create_graph: bool = False)" in last
    assert "create_graph: bool" not in first


def test_the_api_says_what_operators_call_and_where_shared_things_come_from():
    page = api_page(32)
    assert page.count("Its operators: `x + y` calls `add`, `1 + x` calls `add`, `x * y`") == 2
    assert "class Parameter(data: Array | None, name: str | None = None)" in page
    own, shared = page.split("## Shared by all stages")
    assert "It holds `get_dot_graph`, `plot_dot_graph`, " in own
    assert "The source, in dezero_shared.dot" in shared
    assert "### `heappop`" not in page


def test_every_pair_of_stages_has_a_page():
    numbers = sorted(stages_of(ROOT))
    names = {name for name, _ in pages.compare_pages(ROOT)}
    pairs = {f"{a}-{b}" for a in numbers for b in numbers if a < b}
    assert names == pairs | {"index"}
    assert len(pairs) == 15


def broken(tmp_path, program):
    folder = tmp_path / "stages/step33/examples"
    folder.mkdir(parents=True)
    (folder / "broken.py").write_text(program, "utf-8")
    example = Example(stage=33, script="broken.py", prints=("44",))
    return examples.run(tmp_path, example, tmp_path)


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("raise SystemExit(3)", "status 3"),
        ("1 / 0", "ZeroDivisionError"),
        ("print(45)", "printed:  45"),
        ("print(44)\nprint(44)", "printed besides: 44"),
        ("", "not printed: 44"),
    ],
)
def test_a_broken_example_is_named(program, says, tmp_path):
    with pytest.raises(
        examples.BrokenExample, match=r"stages/step33/examples/broken\.py"
    ) as raised:
        broken(tmp_path, program)
    assert says in str(raised.value)


def test_a_whole_example_is_kept(tmp_path):
    assert broken(tmp_path, '"""What it does."""\nprint(44)').printed == "44\n"


def test_an_example_without_its_picture_is_broken(tmp_path):
    folder = tmp_path / "stages/step33/examples"
    folder.mkdir(parents=True)
    (folder / "blind.py").write_text("print(44)", "utf-8")
    example = Example(stage=33, script="blind.py", prints=("44",), draws="svg")
    with pytest.raises(examples.BrokenExample, match=r"has not drawn blind\.svg"):
        examples.run(tmp_path, example, tmp_path)


def test_an_example_that_needs_much_is_shown_and_not_run():
    (example,) = [e for e in examples.shown() if e.extra == "jax"]
    done = examples.run(ROOT, example, ROOT)
    assert done.printed is None
    page = pages.chapter_page(chapter(36), [done], "", [])
    assert "was not run for this page: `nox -s run -- 36 compiled` installs jax" in page


def test_code_is_shown_as_it_is():
    old, new = ROOT / "stages/step31", ROOT / "stages/step32"
    (file,) = [f for f in chapter(32).files if f.path.name == "core.py"]
    shown = differences.in_markdown(changes([file], old, new), old, new)
    assert differences._spans([("k", "a < b")], ((2, 3),)) == (
        '<span class="k">a </span><mark><span class="k">&lt;</span></mark><span class="k"> b</span>'
    )
    assert shown.count("line removed") == file.removed
    assert shown.count("line added") == file.added


def test_what_has_a_remark_comes_first_and_imports_are_folded():
    one = chapter(32)
    found, _ = remarked(one.files, one.before, one.folder)
    core = [change for change in found if change.file.path.name == "core.py"]
    shown = differences.in_markdown(core, one.before, one.folder)
    _, folded, rest = shown.partition('<details class="folded">')
    assert folded
    assert "test_mode" in rest  # the import that nothing uses yet
    assert "remark-" not in rest
    assert shown.count("line removed") == core[0].file.removed
    # Without its remark, the place that came first comes after all that have one.
    begins = [n for n, change in enumerate(core) if change.new_hunk] + [len(core)]
    hunks_ = [core[a:b] for a, b in pairwise(begins)]
    told = next(hunk for hunk in hunks_ if any(change.remarks for change in hunk))
    head = differences._hunk_head(told[0])
    assert shown.index(head) < shown.index("remark-")
    for change in told:
        change.remarks.clear()
    shown = differences.in_markdown(core, one.before, one.folder)
    assert shown.index(head) > shown.rindex('id="remark-')


def test_comparisons_carry_the_remarks_of_the_chapters_between():
    found = dict(pages.compare_pages(ROOT))
    mul = next(r for r in remarks(chapter(32).folder) if r.text.startswith("**`Mul`"))
    assert mul.text in found["31-32"]
    assert "*Chapter 32:*" not in found["31-32"]
    assert f"*Chapter 32:* {mul.text}" in found["31-36"]
    assert "*Chapter 36:*" in found["31-36"]
    assert "*Chapter 32:*" not in found["32-36"]


def test_a_long_new_text_is_cut_before_each_definition():
    new = "import a\n\n\ndef f():\n    pass\n\n\n@g\nclass C:\n    def h(self): ...\n"
    (hunk,) = hunks("", new)
    assert [run[0].text for run in _runs(hunk.rows)] == ["import a", "def f():", "@g"]


def test_links_lead_to_pages_and_code_stays():
    given = "See [32](../step32/README.md), [`core`](dezero/core.py) and `[x](y.md)`."
    assert pages.linked(given, "stages/step33/README.md") == (
        "See [32](/step32/index.md), `core` and `[x](y.md)`."
    )


def test_a_page_by_hand_takes_sections_of_the_repository(tmp_path):
    (tmp_path / "README.md").write_text("# T\n\nOne. Two.\n\n## A\n\n    code\n\nText.\n", "utf-8")
    assert pages.filled("{{ README.md: A }}", tmp_path).startswith("    code")
    assert pages.filled('{{ README.md: (start) from "Two" }}', tmp_path) == "Two."
    assert pages.filled('{{ README.md: (start) up to "Two" }}', tmp_path) == "One. "
    for wrong in ("{{ README.md: B }}", '{{ README.md: A from "nowhere" }}', "{{ NO.md: A }}"):
        with pytest.raises(pages.BrokenPage):
            pages.filled(wrong, tmp_path)


def test_the_matrix_is_the_readme_s():
    readme = "<!-- matrix -->\n| stage | arrays | all |\n| --- | --- | --- |\n"
    readme += "| step31 | NumPy | 4 / 1 / 2 |\n\nCuPy: never run.\n<!-- /matrix -->\n"
    table = pages.matrix_table(readme)
    assert 'class="unexpected"' in table
    assert "2 unexpected" in table
    assert "CuPy: never run." in table
    with pytest.raises(pages.BrokenPage, match="no table"):
        pages.matrix_table("# nothing")


def test_the_address_of_a_site_is_one():
    assert on_the_web("https://example.org/book") == "https://example.org/book/"
    for wrong in ("example.org/book", "ftp://example.org", "https://", "https://example.org/?a"):
        with pytest.raises(argparse.ArgumentTypeError, match="write it as https://name"):
            on_the_web(wrong)


def test_plain_text_stays_plain():
    assert text.escaped("x**4 - 2*x_1 and `x**2`") == r"x\*\*4 - 2\*x\_1 and `x**2`"


def test_shown_examples_run_once_each():
    shown = examples.shown()
    keys = [(e.stage, e.script, e.args) for e in shown]
    assert len(keys) == len(set(keys))
    assert all(e.draws in ("", "svg") for e in shown)
    assert {dataclasses.replace(e, draws="").script for e in shown} >= {"newton.py"}
