"""What the pages say in other languages: the catalogs of docs/locale, and whether they still fit.

`nox -s translations` compares them with the English pages, and `-- --write` brings them up to date:
a changed sentence keeps its translation, marked as fuzzy, until somebody has looked at it.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import takewhile
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from .markdown import headings
from .particles import with_particles
from .translation import differs, messages, translated

ENGLISH = "en"
#: The catalogs, and the files of the repository whose sentences each of them holds.
PAGES: Mapping[str, Sequence[str]] = {
    "index": ["README.md", "docs/index.md"],
    "stages": ["stages/README.md", "docs/stages.md", "docs/departures.md"],
    **{f"step{n}": [f"stages/step{n}/README.md"] for n in range(31, 37)},
    "papers": ["docs/papers.md", "stages/step36/papers/README.md"],
    **{name: [f"docs/{name}.md"] for name in ("learn", "course", "grading", "bench")},
}
#: The catalog of what the programs put on the pages; `{}` in a phrase is anything.
PHRASES = "site"
#: What may be said of a page in [extent] of a language's glossary: no more of it is translated.
INTRODUCTION = "introduction"  # the title, and what stands before the first section
#: The catalog of what the labs say, and where they say it; `{name}` in a text is a value.
LABS, SAID_BY_LABS = "labs", "harness/dezero_harness/labs"

HERE = "The chapters in this language: `nox -s site`, then open `docs/_build/html/{}/index.html`."


class UnknownLanguage(Exception):
    """A language that has no folder of catalogs; there: those that have one."""

    def __init__(self, language: str, there: Sequence[str]):
        super().__init__(
            f"there are no catalogs for the language {language!r}; there are {ENGLISH} (the text"
            f" itself) and {', '.join(there) or 'no other'}. A new language is a folder:"
            f" docs/locale/{language}/LC_MESSAGES, with an empty file index.po to begin with"
        )


def languages(root: Path) -> list[str]:
    """Those that have a folder of catalogs, beside English."""
    return sorted(folder.parent.name for folder in root.glob("docs/locale/*/LC_MESSAGES"))


def chosen(root: Path, asked: Sequence[str]) -> list[str]:
    """Those asked for, or all. Raises UnknownLanguage, which names those that there are."""
    there = languages(root)
    for language in asked:
        if language not in there:
            raise UnknownLanguage(language, there)
    return list(asked) or there


def name_of(language: str) -> str:
    """What a language calls itself."""
    locale = Locale.parse(language)
    return (locale.get_display_name(language) or language).capitalize()


def catalog_file(root: Path, language: str, page: str) -> Path:
    return root / "docs/locale" / language / "LC_MESSAGES" / f"{page}.po"


def glossary_file(root: Path, language: str) -> Path:
    return root / "docs/locale" / language / "glossary.toml"


def pages_in(root: Path, language: str) -> list[str]:
    """The pages that are translated into this language: those that have a catalog."""
    return [page for page in PAGES if catalog_file(root, language, page).is_file()]


def _catalogs_in(root: Path, language: str) -> list[str]:
    """Those that hold what stands elsewhere: of the pages, and of the labs."""
    labs = [LABS] if catalog_file(root, language, LABS).is_file() else []
    return [*pages_in(root, language), *labs]


def in_part(root: Path, language: str) -> list[str]:
    """The pages of which the introduction alone is translated, as the language's glossary says."""
    file = glossary_file(root, language)
    said = tomllib.loads(file.read_text("utf-8")).get("extent", {}) if file.is_file() else {}
    for page, what in said.items():
        if page not in pages_in(root, language) or what != INTRODUCTION:
            raise ValueError(
                f"{file}, [extent]: {page} = {what!r}; a page that has a catalog may be said to"
                f" have {INTRODUCTION!r} alone, and without a line it is translated as a whole"
            )
    return list(said)


@cache
def _read(file: Path) -> Catalog:
    with file.open("rb") as opened:
        return read_po(opened, locale=file.parents[1].name)


def sentences(root: Path, language: str, page: str) -> dict[str, str]:
    """What this catalog says for each message, those left out that are not in force."""
    file = catalog_file(root, language, page)
    if not file.is_file():
        return {}
    return {str(m.id): str(m.string) for m in _read(file) if m.id and m.string and not m.fuzzy}


def labs_in(root: Path, language: str) -> dict[str, str]:
    """What there is in a language for a lab: what its programs say, and its chapter."""
    found: dict[str, str] = {}
    for catalog in (*(page for page in PAGES if page.startswith("step")), LABS):
        found |= sentences(root, language, catalog)
    return found


def sometimes(root: Path, language: str) -> list[str]:
    """The phrases whose comment says that they are `not always` on a page."""
    catalog = _read(catalog_file(root, language, PHRASES))
    return [str(m.id) for m in catalog if m.id and "not always" in m.user_comments]


class Phrases:
    """What the programs put on the pages, in a language.

    `{}` in a phrase is anything, and what stood there is said in turn; `{2}` is the second of them.
    A phrase that begins with `~ ` is only ever such a part. `[을/를]` in the words is the one or
    the other, as what comes before ends in a consonant or a vowel. used: the phrases that were met.
    lacking: those that were met as well, and that another language has words for.
    """

    def __init__(self, root: Path, language: str) -> None:
        self.words = sentences(root, language, PHRASES)
        self.used: set[str] = set()
        self.lacking: set[str] = set()
        others = (sentences(root, one, PHRASES) for one in languages(root))
        known = set(self.words).union(*others) if self.words else set()
        self._known = known - self.words.keys()
        self._patterns: dict[bool, list[tuple[re.Pattern[str], str]]] = {True: [], False: []}
        for phrase in sorted(known, key=len, reverse=True):
            text = phrase.removeprefix("~ ")
            # A list is taken apart before what stands in it.
            hole = "(.+?)" if text in (phrase, "{} and {}") else "((?:(?! and ).)+?)"
            pattern = re.compile(hole.join(map(re.escape, text.split("{}"))))
            self._patterns[text != phrase].append((pattern, phrase))

    def say(self, text: str) -> str | None:
        """This text in the language; None where no phrase fits it."""
        if text in self.words or text in self._known:
            return self._met(text)
        sentences = re.split(r"(?<=\.) (?=[A-Za-z])", text)
        if len(sentences) > 1 and None not in (said := list(map(self.say, sentences))):
            return " ".join(filter(None, said))
        return self._by_pattern(text, False)

    def _by_pattern(self, text: str, part: bool) -> str | None:
        for pattern, phrase in self._patterns[part]:
            if found := pattern.fullmatch(text):
                words = self._met(phrase)
                parts = [self._part(one) for one in found.groups()]
                return None if words is None else with_particles(_put(words, parts))
        return None

    def _met(self, phrase: str) -> str | None:
        (self.used if phrase in self.words else self.lacking).add(phrase)
        return self.words.get(phrase)

    def template(self, text: str) -> str | None:
        """The words of a phrase as it stands, with its holes."""
        return self._met(text) if text in self.words or text in self._known else None

    def _part(self, text: str) -> str:
        if text in self.words:
            return self.say(text) or text
        return self._by_pattern(text, True) or self.say(text) or text


def _put(words: str, parts: Sequence[str]) -> str:
    following = iter(parts)
    return re.sub(
        r"\{(\d?)\}", lambda hole: parts[int(hole[1]) - 1] if hole[1] else next(following), words
    )


def in_english(root: Path, page: str) -> dict[str, list[tuple[str, int]]]:
    """The messages of a page, or of the labs, each with the files and lines it stands in."""
    found: dict[str, list[tuple[str, int]]] = {}
    if page == LABS:
        for program in sorted((root / SAID_BY_LABS).glob("*.*")):
            for text, line in _said_by_a_program(program):
                place = program.relative_to(root).as_posix(), line
                found.setdefault(text, []).append(place)
        return found
    for file in PAGES[page]:
        for message in messages((root / file).read_text("utf-8")):
            if not message.measured:
                found.setdefault(message.text, []).append((file, message.start[0] + 1))
    return found


def to_translate(root: Path, language: str, page: str) -> dict[str, list[tuple[str, int]]]:
    """The messages of a page that a language is to have, as its glossary states."""
    found = in_english(root, page)
    if page not in in_part(root, language):
        return found
    return {
        text: places
        for text, places in found.items()
        if any(line <= _first_section(root / file) for file, line in places)
    }


def _first_section(file: Path) -> int:
    """The line before that of the first section's heading, from 1."""
    text = file.read_text("utf-8")
    sections = (heading.line for heading in headings(text) if heading.level > 1)
    return next(sections, text.count("\n") + 1)


def _said_by_a_program(file: Path) -> Iterator[tuple[str, int]]:
    """The texts that stand in a call of `say`, or in a file of texts, with their lines."""
    if file.suffix == ".toml":
        for lab in tomllib.loads(file.read_text("utf-8")).values():
            for text in (*lab.get("notes", ()), *lab.get("questions", {}).values()):
                yield text, file.read_text("utf-8").partition(text)[0].count("\n") + 1
    elif file.suffix == ".py":
        calls = [
            node
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "say"
        ]
        for node in sorted(calls, key=lambda one: one.lineno):
            text = node.args[0]
            if not (isinstance(text, ast.Constant) and isinstance(text.value, str)):
                raise ValueError(f"{file}, line {node.lineno}: write the text into the say()")
            yield text.value, node.lineno


def _write(file: Path, catalog: Catalog, about: str) -> None:
    """With a header that says what tools need and nothing that changes by itself.

    The former words of a sentence go when somebody has taken its mark away: Babel reads what it
    has written of them (`#| msgid`) as a comment. What no page says any more goes as well.
    """
    catalog.obsolete.clear()
    for message in catalog:
        if not message.fuzzy:
            former = takewhile(lambda one: not one.startswith("|"), message.user_comments)
            message.user_comments = list(former)
    with file.open("wb") as opened:
        opened.write(f'# {about}\nmsgid ""\nmsgstr ""\n'.encode())
        opened.write(b'"Content-Type: text/plain; charset=utf-8\\n"\n')
        opened.write(f'"Language: {file.parents[1].name}\\n"\n\n'.encode())
        write_po(
            opened,
            catalog,
            width=100,
            omit_header=True,
            include_lineno=False,
            include_previous=True,
        )
    _read.cache_clear()


def update(root: Path, language: str) -> None:
    """Bring the catalogs of a language up to date with the English files, and its README."""
    for page in _catalogs_in(root, language):
        file = catalog_file(root, language, page)
        catalog = _read(file)
        template = Catalog()
        for message, places in to_translate(root, language, page).items():
            template.add(message, locations=[(name, 0) for name, _ in places])
        catalog.update(template)
        about = "what the labs say" if page == LABS else ", ".join(PAGES[page])
        _write(file, catalog, f"{language}: {about}")
    if (file := catalog_file(root, language, PHRASES)).is_file():
        _write(file, _read(file), f"{language}: what the programs put on the pages")
    if "index" in pages_in(root, language):
        (root / f"README.{language}.md").write_text(readme(root, language), "utf-8")


def readme(root: Path, language: str, phrases: Phrases | None = None) -> str:
    """README.md in this language. What is generated in it is that of README.md."""
    say, phrases = sentences(root, language, "index"), phrases or Phrases(root, language)
    text = (root / "README.md").read_text("utf-8")
    text = translated(text, lambda message: say.get(message) or phrases.say(message))
    links = switch(root, language)
    here = phrases.say(HERE.replace("{}", language)) or HERE.replace("{}", language)
    start = text.index("# ")
    made = f"<!-- Made of README.md and docs/locale/{language}: nox -s translations -- --write -->"
    return f"{made}\n\n{links}\n\n{here}\n\n{text[start:]}"


def switch(root: Path, language: str) -> str:
    """The line that leads from one README to those in the other languages."""
    files = {ENGLISH: "README.md"}
    files |= {one: f"README.{one}.md" for one in languages(root) if "index" in pages_in(root, one)}
    return " | ".join(
        name_of(one) if one == language else f"[{name_of(one)}]({file})"
        for one, file in files.items()
    )


# --- what is wrong ---


def wrong(root: Path, language: str) -> Iterator[str]:
    """What keeps these catalogs from being in force, in a line each."""
    terms = Glossary(glossary_file(root, language))
    for page in [*_catalogs_in(root, language), PHRASES]:
        file = catalog_file(root, language, page)
        where = file.relative_to(root).as_posix()
        if not file.is_file():
            continue
        catalog = _read(file)
        phrases = page == PHRASES
        english = (
            {str(m.id): [] for m in catalog} if phrases else to_translate(root, language, page)
        )
        there = {str(message.id): message for message in catalog if message.id}
        for text, places in english.items():
            message = there.get(text)
            place = "".join(f" ({name}, line {line})" for name, line in places[:1])
            if not text:
                continue
            if message is None or not message.string:
                yield f"{where}: not translated{place}: {text}"
            elif message.fuzzy:
                yield f"{where}: the English sentence has changed{place}: {text}"
            else:
                said = str(message.string)
                plain = [re.sub(r"\$?\{\d?\}", "{}", one) for one in (text, said)]
                problems = [*differs(*plain), *terms.wrong(text, said)]
                if phrases and plain[0].count("{}") != plain[1].count("{}"):
                    problems.append("has another number of {}")
                holes = [set(re.findall(r"\{\w+\}", one)) for one in (text, said)]
                if page == LABS and holes[0] != holes[1]:
                    problems.append(f"has not the same holes: {', '.join(sorted(holes[0]))}")
                for problem in problems:
                    yield f"{where}: {problem}{place}: {said}"
        for text in there.keys() - english.keys():
            yield f"{where}: no page says this any more: {text}"
    if "index" in pages_in(root, language):
        made, met = root / f"README.{language}.md", Phrases(root, language)
        right = readme(root, language, met)
        for phrase in sorted(met.lacking):
            where = catalog_file(root, language, PHRASES).relative_to(root).as_posix()
            yield f"{where}: not translated (README.md): {phrase}"
        if not made.is_file() or made.read_text("utf-8") != right:
            yield f"{made.name} is not what README.md and its catalog make"
    if switch(root, ENGLISH) not in (root / "README.md").read_text("utf-8"):
        yield f"README.md does not have the line that leads to the others: {switch(root, ENGLISH)}"


class Glossary:
    """The words of a language for the terms of the field, from a TOML file.

    [terms]: an English term, and the words of which one has to be there where it is. [avoid]: what
    is not to be written, and what is written instead. ([extent] is read by in_part.)
    """

    def __init__(self, file: Path) -> None:
        data = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
        self.terms = {
            re.compile(rf"(?<![\w-]){re.escape(term)}(?![\w/-])", re.IGNORECASE): words
            for term, words in sorted(
                data.get("terms", {}).items(), key=lambda one: len(one[0]), reverse=True
            )
        }
        self.avoid: dict[str, str] = data.get("avoid", {})

    def wrong(self, message: str, said: str) -> Iterator[str]:
        message, said = (
            re.sub(r"`[^`]*`|\]\([^)]*\)|[\w/]+\.md|\{\w+\}", " ", text) for text in (message, said)
        )
        for term, words in self.terms.items():
            if (found := term.search(message)) and not any(word in said for word in words):
                yield f"has no word of the glossary for {found[0]!r} ({', '.join(words)})"
            message = term.sub(" ", message)  # the gradient in gradient descent is another word
        for word, better in self.avoid.items():
            if word in said:
                yield f"says {word}; the glossary has {better}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="nox -s translations --", description=__doc__)
    parser.add_argument("--write", action="store_true", help="bring the catalogs up to date")
    parser.add_argument("--language", action="append", default=[], help="of these; default: all")
    options = parser.parse_args(arguments)
    root = Path(__file__).parents[3]
    try:
        asked = chosen(root, options.language)
    except UnknownLanguage as error:
        parser.error(str(error))
    problems = []
    for language in asked:
        if options.write:
            update(root, language)
        problems += list(wrong(root, language))
        done, part = pages_in(root, language), in_part(root, language)
        others = ", ".join(page for page in PAGES if page not in done)
        print(
            f"{language}: {', '.join(page for page in done if page not in part) or 'no page'};"
            f" introductions of: {', '.join(part) or 'none'}; in English: {others or 'none'}"
        )
    for problem in problems:
        print(problem)
    if problems:
        print(f"{len(problems)} to be mended; first: nox -s translations -- --write")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
