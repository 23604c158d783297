"""What a lab says, in the reader's language: by the catalogs of docs/locale, else in English.

The check of the catalogs finds each text by the call of `say` that it stands in. Case statements,
what a program prints and the engine's errors are the same in every language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from ..prose.particles import with_particles

ENGLISH = "en"
_spoken: ContextVar[tuple[str, Mapping[str, str]]] = ContextVar("spoken")


@contextmanager
def speaking(language: str, words: Mapping[str, str]) -> Iterator[None]:
    """Within this block `say` has these words for the texts that it is given in English."""
    token = _spoken.set((language, words))
    try:
        yield
    finally:
        _spoken.reset(token)


def language_spoken() -> str:
    """The language of what `say` says; English outside of all blocks."""
    return _spoken.get((ENGLISH, {}))[0]


def say(text: str, **values: object) -> str:
    """A text in the language that is spoken, with these values in its holes such as `{number}`."""
    return with_particles(words_for(text).format(**values))


def words_for(text: str) -> str:
    """A text that is written elsewhere, in a chapter or in texts.toml; as it is where none fits."""
    return _spoken.get((ENGLISH, {}))[1].get(text, text)


def in_both(shown: str, title: str) -> str:
    """What is shown of a title in English, as a file has it; with its words in brackets behind."""
    words = words_for(title)
    return shown if words == title else f"{shown} ({words})"


def of_environment(environment: Mapping[str, str]) -> list[str]:
    """The languages that an environment asks for, the dearest first; in the order of gettext."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(name):
            return [_without_country(one) for one in environment[name].split(":")]
    return []


def _without_country(locale: str) -> str:
    """The language of a locale such as ko_KR.UTF-8."""
    return locale.partition(".")[0].partition("@")[0].partition("_")[0]


def first_there(asked: Sequence[str], there: Sequence[str], otherwise: str) -> str:
    """The first language asked for that there is; before English stands what is asked before it."""
    return next((one for one in asked if one in (*there, otherwise)), otherwise)
