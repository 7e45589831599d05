"""BibTeX of what a run used: dimscope, the paper whose method it carries out, and the source of each measure."""

import re
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from dimscope.profile import Profile
from dimscope.reports.provenance import methods_in_use
from dimscope.version import __version__

ALWAYS = "valeriani2023"
"""The paper whose method every run carries out."""
CITED = re.compile(r"([\w' ]*?[\w'-]+)(?:,[^;]*?| et al\.)? (\d{4})\b")
"""Authors and year at the start of a part of a source, such as `Levina, Bickel 2004` or `Gao et al. 2017`."""


def bibtex(profile: Profile, rule: str) -> str:
    """BibTeX entries, sorted by key: dimscope in its version, Valeriani et al. 2023, and the sources of what was measured.

    Args:
        profile: what a run measured.
        rule: name of its layer rule.

    Returns:
        The text of a `.bib` file in UTF-8; sources that are no published work, and those of other packages, are left out.
    """
    keys = {ALWAYS} | {key for _, kind in methods_in_use(profile, rule) for key in works_of(str(kind.source))}
    own = {"type": "software", "title": "dimscope", "author": "{The dimscope developers}", "version": __version__}
    return "\n".join([_entry("dimscope", own), *(_entry(key, works()[key]) for key in sorted(keys))])


def works_of(source: str) -> list[str]:
    """Keys of the works that the source of a measure names, in its order."""
    found = (CITED.search(part.removeprefix("ours, after").strip()) for part in source.split(";"))
    keys = (_key(match[1], match[2]) for match in found if match is not None)
    return [key for key in keys if key in works()]


@cache
def works() -> dict[str, dict[str, Any]]:
    """Every work that dimscope cites: key -> type and BibTeX fields."""
    return tomllib.loads(files("dimscope.reports").joinpath("references.toml").read_text(encoding="utf-8"))


def _key(author: str, year: str) -> str:
    return f"{author.strip().replace(' ', '').lower()}{year}"


def _entry(key: str, fields: dict[str, Any]) -> str:
    kept = {name: value for name, value in fields.items() if name != "type"}
    if "eprint" in kept:
        kept["archiveprefix"] = "arXiv"
    return f"@{fields['type']}{{{key.replace(chr(39), '')},\n{_lines(kept.items())}}}\n"


def _lines(fields: Iterable[tuple[str, Any]]) -> str:
    return "".join(f"  {name} = {{{value}}},\n" for name, value in fields)
