"""The catalogs are in force, and what would rot them is seen."""

import shutil
from pathlib import Path

import pytest

from dezero_harness.labs.words import say, speaking
from dezero_harness.prose import catalogs
from dezero_harness.prose.catalogs import (
    Phrases,
    UnknownLanguage,
    chosen,
    languages,
    readme,
    update,
    wrong,
)
from dezero_harness.prose.translation import differs, messages, translated
from dezero_harness.site import languages as site_languages
from dezero_harness.site.languages import Untranslated

ROOT = Path(__file__).parents[2]

ENGLISH = """\
English | [한국어](README.ko.md)

# A small engine

The gradient of $x^2$ at 3 is 6; see [the chapter](chapter.md) and `x.grad`.

    nox -s run -- 33     # opens a prompt

```python
x = 1  # a comment in a program
```

| stage | what |
|---|---|
| [31](31.md) | the first one |

<!-- made -->
| job | time |
|---|---|
| the first job | 12 ms |

Measured in 2026.
<!-- /made -->
"""
KOREAN = {
    "A small engine": "작은 엔진",
    "The gradient of $x^2$ at 3 is 6; see [the chapter](chapter.md) and `x.grad`.": (
        "3에서 $x^2$의 기울기는 6이다. [장](chapter.md)과 `x.grad`를 보라."
    ),
    "opens a prompt": "프롬프트를 연다",
    "stage": "단계",
    "what": "내용",
    "the first one": "첫 번째",
    "job": "작업",
    "time": "시간",
    "the first job": "첫 작업",
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A repository of one page, in Korean, that is in force."""
    monkeypatch.setattr(catalogs, "PAGES", {"index": ["README.md"], "learn": ["docs/learn.md"]})
    folder = tmp_path / "docs/locale/ko/LC_MESSAGES"
    folder.mkdir(parents=True)
    (tmp_path / "README.md").write_text(ENGLISH, "utf-8")
    shutil.copy(ROOT / "docs/locale/ko/glossary.toml", folder.parent)
    put(tmp_path, KOREAN)
    update(tmp_path, "ko")
    assert list(wrong(tmp_path, "ko")) == []
    return tmp_path


def put(root, words, page="index"):
    entries = "".join(f'msgid "{a}"\nmsgstr "{b}"\n\n' for a, b in words.items())
    entries = entries.replace("\\", "\\\\")
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
    catalogs.catalog_file(root, "ko", page).write_text(head + entries, "utf-8")
    catalogs._read.cache_clear()


def test_what_is_translated_here_is_in_force():
    assert languages(ROOT) == ["ja", "ko"]
    for language in languages(ROOT):
        assert list(wrong(ROOT, language)) == []


def test_programs_and_figures_are_no_messages():
    found = [message.text for message in messages(ENGLISH) if not message.measured]
    assert found == list(KOREAN)


def test_a_text_is_said_in_other_words_and_nothing_else_changes(root):
    expected = ENGLISH
    for message, words in sorted(KOREAN.items(), key=lambda one: -len(one[0])):
        expected = expected.replace(message, words)
    made = readme(root, "ko")
    assert made.endswith(expected[expected.index("# ") :])
    assert "[English](README.md) | 한국어" in made
    assert "x = 1  # a comment in a program" in made


def test_a_paragraph_that_is_only_set_anew_keeps_its_translation(root):
    file = root / "README.md"
    file.write_text(file.read_text("utf-8").replace("at 3 is 6; see", "at\n3 is 6;\nsee"), "utf-8")
    update(root, "ko")
    assert list(wrong(root, "ko")) == []


def changed(root, old, new):
    file = root / "README.md"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_a_changed_sentence_makes_its_translation_stale(root):
    changed(root, "is 6; see", "is always 6; see")
    assert any("not translated" in line for line in wrong(root, "ko"))
    update(root, "ko")
    (line,) = wrong(root, "ko")
    assert "the English sentence has changed" in line
    assert "README.md, line 5" in line
    assert "6이다" not in readme(root, "ko")  # what was said of another sentence is not in force
    file = catalogs.catalog_file(root, "ko", "index")
    assert "#| msgid" in file.read_text("utf-8")
    file.write_text(file.read_text("utf-8").replace("#, fuzzy\n", ""), "utf-8")
    catalogs._read.cache_clear()
    update(root, "ko")
    assert list(wrong(root, "ko")) == []
    assert "| msgid" not in file.read_text("utf-8")  # nor is it kept


def test_a_new_sentence_and_one_that_is_gone_are_named(root):
    changed(root, "| [31](31.md) | the first one |", "| [31](31.md) | another thing |")
    found = "\n".join(wrong(root, "ko"))
    assert "not translated (README.md, line 15): another thing" in found
    assert "no page says this any more: the first one" in found


def test_a_program_that_changes_is_a_stale_readme(root):
    changed(root, "x = 1  #", "x = 2  #")
    (line,) = wrong(root, "ko")
    assert line == "README.ko.md is not what README.md and its catalog make"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("$x^2$", "$x^3$", "lacks the formula $x^2$"),
        ("6이다", "7이다", "lacks the number 6"),
        ("6이다", "6이고 60이다", "has another number: 60"),
        ("chapter.md", "other.md", "lacks the link chapter.md"),
        ("`x.grad`", "`y.grad`", "lacks the code `x.grad`"),
        ("기울기", "경사", "has no word of the glossary for 'gradient' (기울기)"),
        ("6이다", "6이다(그래디언트)", "says 그래디언트; the glossary has 기울기"),
        ("[장]", "**[장]**", "times the mark <strong>"),
    ],
)
def test_what_differs_between_the_languages_is_named(root, old, new, what):
    words = {message: said.replace(old, new) for message, said in KOREAN.items()}
    assert words != KOREAN
    put(root, words)
    update(root, "ko")
    assert any(what in line for line in wrong(root, "ko")), list(wrong(root, "ko"))


def test_a_number_that_english_spells_may_stand_in_figures():
    assert list(differs("seven steps to the second", "2차까지 7걸음")) == []
    assert list(differs("seven steps", "8걸음")) == ["has another number: 8"]


def test_a_language_that_is_not_there_names_those_that_are(root):
    with pytest.raises(UnknownLanguage, match=r"'fr'; there are en .* and ko\."):
        chosen(root, ["fr"])
    assert chosen(root, []) == ["ko"]


def test_a_list_keeps_its_marks():
    text = "1. **One.** Two\n   lines.\n\n   More.\n2. Last\n"
    assert translated(text, str.upper) == "1. **ONE.** TWO LINES.\n\n   MORE.\n2. LAST\n"


# --- a language that has a page in part ---

MORE = "\n## The rest\n\nWhat nobody has translated.\n"


@pytest.fixture
def part(root):
    """The page with a section more, of which nothing is translated; the glossary says so."""
    file = root / "README.md"
    file.write_text(file.read_text("utf-8") + MORE, "utf-8")
    glossary = catalogs.glossary_file(root, "ko")
    glossary.write_text('[extent]\nindex = "introduction"\n' + glossary.read_text("utf-8"), "utf-8")
    update(root, "ko")
    assert list(wrong(root, "ko")) == []
    return root


def test_what_is_said_to_be_in_english_is_not_asked_for_and_the_rest_is(part):
    assert "What nobody has translated." not in catalogs.sentences(part, "ko", "index")
    made = readme(part, "ko")
    assert made.startswith("<!--")
    assert "# 작은 엔진" in made
    assert made.endswith(MORE)
    changed(part, "at 3 is 6; see", "at 3 is surely 6; see")
    assert any("not translated (README.md, line 5)" in line for line in wrong(part, "ko"))


def test_a_page_that_is_claimed_whole_has_to_be(part):
    glossary = catalogs.glossary_file(part, "ko")
    text = glossary.read_text("utf-8")
    glossary.write_text(text.replace('index = "introduction"\n', ""), "utf-8")
    update(part, "ko")
    found = "\n".join(wrong(part, "ko"))
    assert "(README.md, line 25): The rest" in found
    assert "What nobody has translated." in found


@pytest.mark.parametrize("line", ['index = "half"', 'learn = "introduction"'])
def test_an_extent_that_does_not_exist_is_told(part, line):
    glossary = catalogs.glossary_file(part, "ko")
    text = glossary.read_text("utf-8")
    glossary.write_text(text.replace('index = "introduction"', line), "utf-8")
    with pytest.raises(ValueError, match="a page that has a catalog may be said to"):
        catalogs.in_part(part, "ko")


# --- what the labs say ---


LAB = """\
def show(n, text):
    say("It is {number}.", number=n)
    say(
        "{name} is done:"
        " go on.",
        name=text,
    )
"""
TEXTS = '[34]\nnotes = ["A note."]\n\n[34.questions]\n"Sin" = "What is it?"\n'
SAID = {
    "It is {number}.": "{number}[이/가] 그것이다.",
    "{name} is done: go on.": "{name}[을/를] 마쳤다. 계속하자.",
    "A note.": "해설.",
    "What is it?": "무엇인가?",
}


@pytest.fixture
def labs(root):
    folder = root / catalogs.SAID_BY_LABS
    folder.mkdir(parents=True)
    (folder / "lab.py").write_text(LAB, "utf-8")
    (folder / "texts.toml").write_text(TEXTS, "utf-8")
    put(root, SAID, "labs")
    update(root, "ko")
    assert list(wrong(root, "ko")) == []
    return folder


def test_what_the_labs_say_has_to_be_there_in_korean(root, labs):
    text = LAB.replace("It is", "It always is") + '    say("One thing more.")\n'
    (labs / "lab.py").write_text(text, "utf-8")
    (labs / "texts.toml").write_text(TEXTS.replace("What is it", "Who is it"), "utf-8")
    update(root, "ko")
    found = "\n".join(wrong(root, "ko"))
    assert found.count("the English sentence has changed") == 2
    assert "not translated (harness/dezero_harness/labs/lab.py, line 8): One thing more." in found
    assert "texts.toml, line 5): Who is it?" in found
    assert catalogs.labs_in(root, "ko") == {
        one: words for one, words in SAID.items() if one in ("{name} is done: go on.", "A note.")
    }


def test_a_value_that_is_left_out_is_seen(root, labs):
    put(root, {**SAID, "It is {number}.": "그것이다."}, "labs")
    (line,) = wrong(root, "ko")
    assert "labs.po: has not the same holes: {number}" in line


def test_a_text_that_is_no_literal_could_not_be_found(root, labs):
    (labs / "lab.py").write_text('say(f"It is {n}.")\n', "utf-8")
    with pytest.raises(ValueError, match=r"lab\.py, line 1: write the text into the say"):
        list(wrong(root, "ko"))


def test_a_lab_says_it_with_particles():
    with speaking("ko", SAID):
        assert say("It is {number}.", number=3) == "3이 그것이다."
        assert say("{name} is done: go on.", name="`Sin`") == "`Sin`을 마쳤다. 계속하자."
        assert say("Nobody has translated {this}.", this="this") == "Nobody has translated this."
    assert say("It is {number}.", number=3) == "It is 3."


# --- what programs put on the pages ---


@pytest.fixture
def phrases(root):
    put(
        root,
        {
            "{} is taken: {}.": "{}[을/를] 꺼낸다. 까닭: {}.",
            "~ it is the only one": "이것뿐이다",
            "It is given {}.": "받는 것: {}.",
            "~ {}, the gradient of {}": "{2}의 기울기 {1}",
            "~ {} and {}": "{}, {}",
            "{} starts with {}.": "{}[이/가] {}[으로/로] 출발한다.",
        },
        "site",
    )
    return Phrases(root, "ko")


def test_sentences_are_said_one_by_one_and_their_parts_in_turn(phrases):
    text = "Mul 3 is taken: it is the only one."
    text += " It is given 1.0, the gradient of x and 2, the gradient of y."
    said = "Mul 3을 꺼낸다. 까닭: 이것뿐이다. 받는 것: x의 기울기 1.0, y의 기울기 2."
    assert phrases.say(text) == said


def test_a_part_is_no_phrase_of_its_own(phrases):
    assert phrases.say("this and that") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Add starts with 1.0.", "Add가 1.0으로 출발한다."),
        ("Mul starts with 1.", "Mul이 1로 출발한다."),
        ("y.backward() starts with 24.", "y.backward()가 24로 출발한다."),
        ("Sin 3 starts with Sin.", "Sin 3이 Sin으로 출발한다."),
    ],
)
def test_a_particle_goes_with_the_sound_before_it(phrases, text, said):
    assert phrases.say(text) == said


# --- the pages of the site ---


@pytest.fixture
def made(root, monkeypatch):
    """Writes these English pages in Korean, and gives the folder that they are written to."""
    english = root / "english"
    (english / "_static").mkdir(parents=True)
    (root / "docs/_static").mkdir()
    (root / "docs/conf.py").write_text("", "utf-8")
    for folder in (english / "_static", root / "docs/_static"):
        script = 'put("Walk", "start"); put(`step ${at + 1} of ${all.length}`); on("Stop.")'
        (folder / "own.js").write_text(script, "utf-8")
    (english / "_static/piece.js").write_text('"Walk"', "utf-8")

    def write(pages):
        site_languages.write_source(root, "ko", pages, english, root / "korean")
        return root / "korean"

    return write


PHRASES = {
    "Walk": "걷기",
    "start": "출발점",
    "step ${} of ${}": "${}/${}걸음",
    "{} nodes": "노드 {}개",
    "This page has not been translated yet.": "아직 옮기지 않았다.",
}
PAGE = """\
# A small engine

```{raw} html
<b title="start">3 nodes</b><pre>3 nodes</pre><script>{"start": 1, "says": "3 nodes"}</script>
```
"""


def test_what_programs_put_on_a_page_is_said_in_its_language(root, made):
    put(root, PHRASES, "site")
    folder = made({"index.md": PAGE, "other.md": "# Another\n\nA text.\n"})
    index = (folder / "index.md").read_text("utf-8")
    assert "# 작은 엔진" in index
    assert '<b title="출발점">노드 3개</b><pre>3 nodes</pre>' in index
    assert '{"start": 1, "says": "노드 3개"}' in index  # a key is no text
    own = (folder / "_static/own.js").read_text("utf-8")
    assert own == 'put("걷기", "start"); put(`${at + 1}/${all.length}걸음`); on("Stop.")'
    assert (folder / "_static/piece.js").read_text("utf-8") == '"Walk"'  # not ours


def test_a_page_without_a_catalog_says_so_and_stays_in_english(root, made):
    put(root, PHRASES, "site")
    other = made({"index.md": PAGE, "other.md": "# Another\n\nA text.\n"}) / "other.md"
    text = other.read_text("utf-8")
    assert text.startswith("# Another\n")
    assert "아직 옮기지 않았다." in text
    assert "A text." in text


def test_a_page_is_not_translated_in_part(root, made):
    put(root, PHRASES, "site")
    with pytest.raises(Untranslated, match="index: A text of a program"):
        made({"index.md": f"{PAGE}\nA text of a program.\n", "other.md": "# Another\n"})


def test_of_a_page_in_part_the_rest_is_in_english_and_it_says_so(part, made):
    put(part, {**PHRASES, site_languages.IN_PART: "들어가는 말만 옮겼다."}, "site")
    folder = made({"index.md": PAGE + MORE, "other.md": "# Another\n"})
    text = (folder / "index.md").read_text("utf-8")
    assert text.startswith("# 작은 엔진\n")
    assert '<p class="in-part" lang="ko">들어가는 말만 옮겼다.</p>' in text
    assert '<b title="출발점">노드 3개</b>' in text  # figures are in the language
    assert text.endswith(MORE)


def test_a_phrase_that_another_language_has_may_not_be_missing(root, made):
    put(root, {name: words for name, words in PHRASES.items() if name != "{} nodes"}, "site")
    other = root / "docs/locale/ja/LC_MESSAGES/site.po"
    other.parent.mkdir(parents=True)
    other.write_text('msgid "{} nodes"\nmsgstr "ノード{}個"\n', "utf-8")
    with pytest.raises(Untranslated, match=r"site\.po:\n\{\} nodes$"):
        made({"index.md": PAGE, "other.md": "# Another\n"})


def test_a_phrase_that_is_on_no_page_is_named(root, made):
    put(root, {**PHRASES, "some words that were": "있던 말"}, "site")
    file = catalogs.catalog_file(root, "ko", "site")
    text = file.read_text("utf-8").replace('msgid "Walk"', '# not always\nmsgid "Talk"')
    file.write_text(text, "utf-8")
    catalogs._read.cache_clear()
    with pytest.raises(Untranslated, match=r"any more.*\nsome words that were$"):
        made({"index.md": PAGE, "other.md": "# Another\n\nA text.\n"})


def test_what_a_page_shows_apart_is_said_in_its_parts():
    task = "1 is **one** of two. *Check:* it is 1.", "1은 둘 가운데 **하나**다. *확인:* 1이다."
    assert dict(site_languages._pieces(*task)) == {
        task[0]: task[1],
        "1 is **one** of two.": "1은 둘 가운데 **하나**다.",
        "it is 1.": "1이다.",
    }
    assert ("The walk", "역전파") in site_languages._pieces("**The walk**", "**역전파**")


def test_a_remark_is_said_with_the_chapter_before_it(root, made):
    put(root, {**PHRASES, "*Chapter {}:*": "*{}장:*"}, "site")
    text = f"# A small engine\n\n*Chapter 32:* {next(iter(KOREAN))}\n"
    folder = made({"index.md": PAGE, "compare/1-2.md": text, "other.md": "# Another\n"})
    assert "*32장:* 작은 엔진" in (folder / "compare/1-2.md").read_text("utf-8")
