"""What was not computed earns next to nothing; what was computed counts, however written."""

import dataclasses

import pytest

from dezero_harness.execution.isolated import Isolated
from dezero_harness.execution.judge import is_right
from dezero_harness.grading.judges import close_judges, run_submission
from dezero_harness.grading.judging import NAME
from dezero_harness.grading.planning import make_plan
from dezero_harness.grading.scoring import NEW, Scheme, grade_of, topics_of

from . import cheats
from .conftest import ROOT, package
from .otherwise import OTHERWISE

NEXT_TO_NOTHING = 9.0  # of 100: sin and cos forward, without a derivative, are worth that much


@pytest.fixture(scope="module")
def plan():
    plan = make_plan(ROOT, 34, "a seed of these tests")
    limits = dataclasses.replace(plan.limits, seconds=1.5)  # some cheats compute for long
    return dataclasses.replace(plan, earlier=plan.earlier[:50], limits=limits)


@pytest.fixture(scope="module")
def graded(plan):
    """Marks a package, once for each."""
    known = {}

    def mark(files):
        key = tuple(sorted(files.items()))
        if key not in known:
            result = run_submission(plan, {name: text.encode() for name, text in files.items()})
            known[key] = result, grade_of(plan, Scheme(), result)
        return known[key]

    yield mark
    close_judges()


NAMES = [*cheats.SLOPES, *cheats.NTHS, *cheats.HIDDEN, "dual numbers, which obey", "sums of powers"]
NAMES += ["a table of all that is published", "closed formulas"]
NAMES += [
    f"a table beside {what}" for what in ("differences", "complex steps", "a contour integral")
]


def test_every_cheat_has_a_name(plan):
    assert set(cheats.cheats(plan)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_who_cheats_earns_next_to_nothing(plan, graded, name):
    _, grade = graded(cheats.cheats(plan)[name])
    assert grade.points <= NEXT_TO_NOTHING, (grade.reason, grade.topics)


def test_a_table_of_what_is_published_passes_it_all_and_earns_nothing(plan, graded):
    result, grade = graded(cheats.cheats(plan)["a table of all that is published"])
    assert all(status == "passed" for status in statuses(plan, result))
    assert grade.points == 0


def statuses(plan, result):
    return [result["cases"][case.id]["status"] for case in plan.own]


def test_the_stage_itself_earns_everything(graded):
    _, grade = graded(package(34))
    assert (grade.points, grade.reason) == (100.0, "")


def test_an_honest_engine_that_is_written_otherwise_has_all_that_it_computes(plan, graded):
    result, grade = graded(OTHERWISE)
    passed = [case.id for case in plan.own if result["cases"][case.id]["status"] == "passed"]
    assert len(passed) > len(plan.own) * 0.6
    assert {grade.shares[name] for name in passed} == {1.0}
    assert [topic.share for topic in grade.topics if topic.name == NEW] == [1.0]


def test_a_wrong_sign_in_cos_leaves_what_does_not_need_it(plan, graded):
    functions = package(34)[cheats.FUNCTIONS].replace("gy * -sin(x)", "gy * sin(x)")
    _, grade = graded(package(34) | {cheats.FUNCTIONS: functions})
    shares = {topic.name: topic.share for topic in grade.topics}
    assert shares["sin: values and slopes"] == 1.0
    assert 0 < shares["cos: values and slopes"] < 0.5
    assert shares["higher derivatives"] < 0.2
    assert 30 < grade.points < 50


def test_what_never_ends_costs_what_needs_it(plan, graded):
    functions = package(34)[cheats.FUNCTIONS].replace(
        "        return gy * -sin(x)\n", "        while True:\n            pass\n"
    )
    result, grade = graded(package(34) | {cheats.FUNCTIONS: functions})
    shares = {topic.name: topic.share for topic in grade.topics}
    assert shares["sin: values and slopes"] == 1.0
    assert grade.points > 30
    assert "were not run: it needs cos.backward" in grade.reason
    assert grade.not_run > 30
    earlier = {result["cases"][case.id]["status"] for case in plan.earlier}
    assert earlier == {"passed"}


def test_the_topics_hold_every_case_once(plan):
    found = [case.id for cases in topics_of(plan).values() for case in cases]
    assert sorted(found) == sorted(case.id for case in plan.own)


@pytest.mark.parametrize(("number", "least"), [(32, 0.95), (34, 0.9), (35, 0.9), (36, 0.95)])
def test_nearly_every_case_has_a_twin_with_other_numbers_that_the_stage_passes(number, least):
    """With this seed rounding decides on two twins, of steps 32 and 36: these are none."""
    plan = make_plan(ROOT, number, "a seed of new cheats")
    assert len(plan.twins) >= least * len(plan.own)
    published = {case.id: case.program for case in plan.own}
    stage = ROOT / "stages" / f"step{number}"
    with Isolated(stage, plan.arrays, plan.limits) as isolated:
        for name, twin in plan.twins.items():
            assert twin.program != published[name]
            observed = isolated.observe(twin.program, NAME, warns=twin.warns)
            assert is_right(twin, observed, plan.capabilities), twin.program


def test_the_seed_decides_on_all_that_is_unseen():
    plans = [make_plan(ROOT, 34, seed) for seed in ("one", "one", "two")]
    programs = [[case.program for _, _, case in plan.questions()] for plan in plans]
    assert programs[0] == programs[1] != programs[2]
    assert plans[0].digest == plans[1].digest != plans[2].digest
    unseen = [{one.case.program for one in plan.unseen} for plan in plans]
    assert not unseen[0] & unseen[2]
