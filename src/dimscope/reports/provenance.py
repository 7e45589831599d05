"""Where the numbers come from: provenance as groups to read, and the methods with their sources."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from dimscope.dimensions import ESTIMATORS
from dimscope.overlaps import MEASURES
from dimscope.profile import Profile
from dimscope.reports.context import thousands
from dimscope.rules import RULES
from dimscope.spectra import Spectrum

LABELS = {
    "model": {
        "name": "name",
        "class": "class",
        "model_type": "family",
        "is_causal": "causal attention",
        "parameters": "parameters",
        "n_layers": "blocks",
        "weights_hash": "hash of the weights",
        "max_tokens": "longest input in tokens",
        "dtype": "arithmetic",
        "device": "device",
        "pool": "pooling",
        "special_tokens": "special tokens",
        "site": "read at",
    },
    "data": {
        "path": "file",
        "hash": "hash of the file",
        "n_examples": "examples",
        "text": "column of the texts",
        "label": "column of the labels",
        "n_labels": "labels",
        "n_truncated": "truncated",
        "n_dropped": "dropped as incomplete",
        "n_duplicate_texts": "repeated texts",
        "n_label_conflicts": "repeats with another label",
    },
    "measure": {
        "estimators": "dimension",
        "k": "neighbours kept",
        "overlap_k": "neighbours compared",
        "replicates": "bootstrap replicates",
        "duplicates": "equal rows",
        "rule": "rule of choice",
    },
}
"""Part -> entry -> what to call it; entries that are not listed keep their own name."""
TITLES = {"model": "Model", "data": "Data", "measure": "Measures"}
COLUMN_OF = {"overlap": "overlap_next"}
LINK = re.compile(r"doi:(?P<doi>10\.\d{4,9}/[^\s,;]+)|arXiv[: ](?P<arxiv>\d{4}\.\d{4,5})")


class Fact(NamedTuple):
    """One line of a group."""

    label: str
    value: str
    is_code: bool = False


class Group(NamedTuple):
    """A heading with its lines."""

    title: str
    facts: list[Fact]


class Method(NamedTuple):
    """A measure in use: name, one line of meaning, source with links."""

    name: str
    summary: Markup
    source: Markup


def provenance_groups(provenance: Mapping[str, Any]) -> list[Group]:
    """Everything that made the numbers, in groups; absent entries are left out."""
    groups = [Group(TITLES[part], _facts(part, provenance)) for part in LABELS]
    groups.append(Group("Time", _time_facts(provenance)))
    groups.append(Group("Software", _software_facts(provenance)))
    return [group for group in groups if group.facts]


def methods_of(profile: Profile, rule: str) -> list[Method]:
    """The measures that the profile holds, and the rule, with their sources."""
    return [_method(name, kind) for name, kind in methods_in_use(profile, rule)]


def methods_in_use(profile: Profile, rule: str) -> list[tuple[str, Any]]:
    """Name and class, with `summary` and `source`, of every measure that the profile holds, and of the rule."""
    asked = profile.provenance.get("measure", {}).get("estimators") or []
    order = sorted(ESTIMATORS, key=lambda name: asked.index(name) if name in asked else len(asked))
    found = [(name, ESTIMATORS.load(name)) for name in order if _has_estimator(profile, name)]
    found += [(name, MEASURES.load(name)) for name in MEASURES if profile.has(COLUMN_OF.get(name, name))]
    if profile.has("effective_rank"):
        found.append(("spectrum", Spectrum))
    if rule in RULES:
        found.append((f"rule {rule}", RULES.load(rule)))
    return found


def with_links(text: str) -> Markup:
    """The text, safe for HTML, with DOIs and arXiv numbers as links and what stands between backticks as code."""
    parts, end = [], 0
    for match in LINK.finditer(text):
        doi = match.group("doi")
        href = f"https://doi.org/{doi}" if doi else f"https://arxiv.org/abs/{match.group('arxiv')}"
        parts += [_with_code(text[end : match.start()]), Markup('<a href="{}">{}</a>').format(href, match.group())]
        end = match.end()
    return Markup("").join([*parts, _with_code(text[end:])])


def _with_code(text: str) -> Markup:
    return Markup(re.sub(r"`([^`]+)`", r'<code class="name">\1</code>', str(escape(text))))


def _method(name: str, facts: Any) -> Method:
    return Method(name.replace("_", " "), with_links(str(facts.summary)), with_links(str(facts.source)))


def _has_estimator(profile: Profile, name: str) -> bool:
    return any(re.fullmatch(rf"{re.escape(name)}(_\d+)?", quantity) for quantity in profile.quantities)


def _facts(part: str, provenance: Mapping[str, Any]) -> list[Fact]:
    entries = provenance.get(part)
    if not isinstance(entries, Mapping):
        return []
    order = [*(name for name in LABELS[part] if name in entries), *(name for name in entries if name not in LABELS[part])]
    facts = [_fact(name, LABELS[part].get(name, name.replace("_", " ")), entries[name]) for name in order]
    if part == "measure" and "seed" in provenance:
        facts.append(_fact("seed", "seed", provenance["seed"]))
    return [fact for fact in facts if fact.value]


def _fact(name: str, label: str, value: Any) -> Fact:
    return Fact(label, _words(value), is_code="hash" in name or name in ("path", "class", "name"))


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return thousands(value) if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_words(item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_words(item)}" for key, item in value.items())
    return str(value)


def _time_facts(provenance: Mapping[str, Any]) -> list[Fact]:
    stages: dict[str, float] = {}
    found = provenance.get("seconds")
    for name, seconds in found.items() if isinstance(found, Mapping) else ():
        if isinstance(seconds, (int, float)):
            stage = str(name).partition("/")[0]  # one entry per layer becomes one line
            stages[stage] = stages.get(stage, 0.0) + seconds
    facts = [Fact(stage, _duration(seconds)) for stage, seconds in stages.items()]
    created = provenance.get("created")
    return [*facts, *([Fact("finished", readable_time(created))] if created else [])]


def _software_facts(provenance: Mapping[str, Any]) -> list[Fact]:
    own = provenance.get("dimscope")
    facts = [Fact("dimscope", str(own))] if own else []
    environment = provenance.get("environment")
    if isinstance(environment, Mapping):
        facts += [Fact(str(name), _words(value)) for name, value in environment.items()]
    return [fact for fact in facts if fact.value]


def readable_time(stamp: Any) -> str:
    """An ISO time stamp with a blank in the middle and UTC by name."""
    return str(stamp or "").replace("T", " ", 1).removesuffix("Z").replace("+00:00", " UTC")


def _duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
