"""A lab in the reader's language: by option, as it was started, or by the environment."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from conftest import replace_by_stage
from dezero_harness.labs.loading import load_chapter
from dezero_harness.labs.words import language_spoken
from dezero_harness.prose import catalogs


@pytest.fixture(autouse=True)
def few(monkeypatch):
    whole = load_chapter

    def load(root, number):
        chapter = whole(root, number)
        return replace(chapter, earlier=chapter.kept[:5])

    monkeypatch.setattr("dezero_harness.labs.lab.load_chapter", load)


def solved_but(root, right, wrong):
    folder = root / "labs/step34"
    replace_by_stage(folder, root / "stages/step34")
    file = folder / "dezero/functions.py"
    text = file.read_text("utf-8")
    assert right in text
    file.write_text(text.replace(right, wrong), "utf-8")


def test_a_lab_that_was_started_in_korean_goes_on_in_korean(lab, root):
    said = lab("start", 34, "--language", "ko")[1]
    assert "labs/step34가 준비되었다." in said
    task = (root / "labs/step34/TASK.md").read_text("utf-8")
    assert task.startswith("# 실습 34: 사인, 그리고 사인에게 코사인이 필요한 까닭\n")
    assert "\n> 여섯 가지 연산으로" in task  # the goal, from the catalog of the chapter
    assert "`docs/_build/html/ko/step34/index.html`" in task
    assert "\n- sin 1 is 0.8414709848078965\n" in task  # a case is called the same everywhere
    assert not re.search("[가-힣]", (root / "labs/step34/pyproject.toml").read_text("utf-8"))

    said = lab("check", 34)[1]
    assert said.startswith("실습 34: 사인, 그리고")
    assert re.search(r"\n이 장         \.{28}  0/\d+\n그 앞의 모두  #{28}  5/5\n", said)
    assert "첫 실패: sin 1 is 0.8414709848078965\n" in said
    assert '"What can be observed" (무엇을 볼 수 있는가)' in said
    assert "ModuleNotFoundError: No module named 'dezero.functions'" in said

    assert "함수의 기반 클래스는 어디에서 오는가?" in lab("hint", 34)[1]
    assert "실습" in lab("progress")[1].splitlines()[0]
    assert "실습 34" not in lab("check", 34, "--language", "en")[1]
    assert language_spoken() == "en"

    said = lab("reset", 34)[1]
    assert "있던 것은 이제 labs/step34-backup-1에 있다." in said
    lab("start", 35, "--from", "labs/step34")
    assert (root / "labs/step35/TASK.md").read_text("utf-8").startswith("# 실습 35")


def test_the_sentence_for_a_mistake_is_korean_with_the_particles_that_fit(lab, root):
    lab("start", 34, "--language", "ko")
    solved_but(root, "return gy * -sin(x)", "return -sin(x)")
    likely = "짐작      Cos.backward가 위에서 온 기울기 gy를 한 번도 쓰지 않는다."
    assert likely in lab("check", 34)[1]
    solved_but(root, "return gy * cos(x)", "return gy * cos(x), gy")
    likely = "짐작      Sin의 입력은 1개인데, backward는 기울기 2개를 돌려주었다."
    assert likely in lab("check", 34)[1]
    solved_but(root, "return gy * -sin(x)", "return gy * sin(x)")
    said = lab("hint", 34)[1]
    assert "코사인의 미분을 부호까지 말하면 무엇인가?" in said
    assert "힌트 4/5: dezero/functions.py, Cos\n" in lab("hint", 34, "--show")[1]


@pytest.mark.parametrize(
    ("environment", "korean"),
    [
        ({"LANG": "ko_KR.UTF-8"}, True),
        ({"LC_MESSAGES": "ko", "LANG": "en_US.UTF-8"}, True),
        ({"LC_ALL": "ko_KR@x", "LC_MESSAGES": "en_US"}, True),
        ({"LANGUAGE": "fr:ko:en", "LC_ALL": "en_US"}, True),
        ({"LANGUAGE": "", "LANG": "ko"}, True),
        ({"LANGUAGE": "en:ko", "LANG": "ko_KR.UTF-8"}, False),
        ({"LC_ALL": "C.UTF-8", "LANG": "ko_KR.UTF-8"}, False),
        ({"LANG": "fr_FR.UTF-8"}, False),
        ({}, False),
    ],
)
def test_the_environment_says_which_language(lab, root, monkeypatch, environment, korean):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    lab("start", 34)
    title = (root / "labs/step34/TASK.md").read_text("utf-8").splitlines()[0]
    assert title.startswith("# 실습 34") is korean
    assert title.startswith("# Lab 34: the sine") is not korean


def test_what_is_asked_for_by_name_comes_before_the_environment(lab, root, monkeypatch):
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    lab("start", 34, "--language", "en")
    assert lab("check", 34)[1].startswith("Lab 34")


@pytest.mark.parametrize("command", [["start", 34], ["check", 34], ["progress"]])
def test_a_language_that_is_not_there_names_those_that_are(lab, root, command):
    status, said = lab(*command, "--language", "fr")
    assert status == 2
    assert re.search(r"no catalogs for the language 'fr'; there are en .* and .*\bko\b", said)
    assert not (root / "labs").exists()


def test_what_has_no_translation_is_english(lab, root):
    file = catalogs.catalog_file(root, "ko", "labs")
    text = file.read_text("utf-8")
    assert 'msgid "First failure:"\nmsgstr "첫 실패:"' in text
    file.write_text(text.replace('msgstr "첫 실패:"', 'msgstr ""'), "utf-8")
    lab("start", 34, "--language", "ko")
    said = lab("check", 34)[1]
    assert said.startswith("실습 34")
    assert "First failure: sin 1 is" in said


def test_the_prompt_speaks_the_language_of_the_lab(lab, root):
    lab("start", 34, "--language", "ko")
    solved_but(root, "return gy * cos(x)", "return gy * sin(x)")
    file = root / "labs/step34/dezero/functions.py"
    right = (root / "stages/step34/dezero/functions.py").read_text("utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "dezero_harness.labs", "run", "34", "slope of sin at 1 is cos"],
        input=f"open({str(file)!r}, 'w').write({right!r}) and None\nagain()\n",
        capture_output=True,
        text=True,
        cwd=root,
        timeout=300,
    )
    before, _, after = done.stdout.partition("Ctrl-D로 나간다.")
    assert "케이스: the slope of sin at 1 is cos 1\n" in before
    assert "  기대      0.5403023058681398\n" in before
    assert "옳다." not in before
    assert "옳다." in after


def test_the_notebook_begins_with_the_task_in_its_language(lab, root):
    lab("start", 33, "--language", "ko")
    lab("notebook", 33)
    text = (root / "labs/step33/step33.ipynb").read_text("utf-8")
    assert "# 실습 33: " in text
    assert "진행하는 방법" not in text
    assert "얼마나 되었는가" in text
