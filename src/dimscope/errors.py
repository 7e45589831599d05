"""The errors that dimscope raises on purpose, and the wording of near matches.

A message says what was asked, what was found, what is allowed and what to try next. The command line prints it as one
block without a traceback and leaves with the `exit_code` of the class.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class DimscopeError(Exception):
    """Base of every error that is meant for a user; the run has failed (exit code 1)."""

    exit_code = 1


class UsageError(DimscopeError):
    """The request itself cannot be met: an unknown name, an impossible option, a clash of options (exit code 2)."""

    exit_code = 2


class InputError(DimscopeError):
    """The data that the user named cannot be used as they are."""


class ModelError(DimscopeError):
    """The model cannot be found, loaded or read."""


class StoreError(DimscopeError):
    """A run folder cannot be read or written."""


class EngineError(DimscopeError):
    """The workers that should do the work cannot be reached, or cannot go on."""


def first_of(items: Iterable[object], most: int = 5) -> str:
    """The first items as prose, with dots where there are more."""
    names = [str(item) for item in items]
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def near_match(name: str, allowed: Iterable[str]) -> str:
    """A sentence ` Did you mean "x"?` with a leading blank, or an empty string when nothing is near."""
    names = {known.casefold(): known for known in allowed}  # LABEL is near to label
    matches = get_close_matches(str(name).casefold(), names, n=1, cutoff=0.6)  # Python's callers may give anything
    return f' Did you mean "{names[matches[0]]}"?' if matches else ""


def unknown_name(kind: str, name: str, allowed: Iterable[str], hint: str = "") -> UsageError:
    """The error for a name that is in no table; lists what is allowed and the nearest match.

    Args:
        kind: what was asked for, in the user's words (`estimator`, `column`).
        name: the name that was not found.
        allowed: the names that exist.
        hint: what to try next, added in parentheses.
    """
    names = sorted(allowed)
    ending = f"  ({hint})" if hint else ""
    return UsageError(f'unknown {kind} "{name}".{near_match(name, names)}  All: {", ".join(names) or "none"}{ending}')
