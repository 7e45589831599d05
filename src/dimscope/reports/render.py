"""From a profile with its recommendation and findings to one HTML page that needs nothing else."""

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dimscope.checks import CHECKS
from dimscope.checks.base import Finding
from dimscope.plots.theme import shorten
from dimscope.profile import Profile
from dimscope.reports.citations import bibtex
from dimscope.reports.context import header_facts, label_facts, model_name, report_context, table_columns, table_rows
from dimscope.reports.explorer import explorer_data
from dimscope.reports.heatmap import heatmap_svg
from dimscope.reports.neighborhoods import Neighborhoods
from dimscope.reports.provenance import methods_of, provenance_groups, readable_time, with_links
from dimscope.reports.sections import SECTIONS, draw_section, draw_sections
from dimscope.rules.base import Recommendation

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("report.js", "explorer.js")
LONGEST_HEADING = 120
"""Characters of a name above the page; the whole name is in its title and in the provenance."""


def render_page(
    profile: Profile,
    recommendation: Recommendation,
    findings: Sequence[Finding],
    neighborhoods: Neighborhoods | None = None,
) -> str:
    """The whole page: no request to any host, safe for any text in labels, names, paths and examples."""
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    provenance = profile.provenance
    return page_environment().get_template("report.html.j2").render(
        title=model_name(profile),
        heading=shorten(model_name(profile), LONGEST_HEADING),
        facts=header_facts(profile),
        labels=label_facts(profile),
        created=readable_time(provenance.get("created")),
        version=str(provenance.get("dimscope") or ""),
        answer=_answer(recommendation),
        figures=draw_sections(profile, recommendation),
        **_neighbor_parts(neighborhoods),
        columns=table_columns(profile),
        rows=table_rows(profile, recommendation),
        findings=[finding.to_dict() for finding in findings],
        n_checks=len(CHECKS),
        groups=provenance_groups(provenance),
        command=str(provenance.get("command") or ""),
        config=json.dumps(provenance.get("config") or {}, indent=2, ensure_ascii=False),
        credits=[with_links(str(line)) for line in provenance.get("credits") or []],
        methods=methods_of(profile, recommendation.rule),
        citations=bibtex(profile, recommendation.rule),
        data=json_for_page(report_context(profile, recommendation, findings)),
        csv_href=csv_link(profile),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=_hash_of(script),
    )  # fmt: skip


def render_snippet(profile: Profile, recommendation: Recommendation) -> str:
    """A fragment for notebooks: the answer and the dimension profile, without script."""
    # A notebook may hold many snippets, and ids count over the whole notebook.
    digest = sha256(profile.to_dataframe().to_csv().encode()).hexdigest()[:8]
    drawn = draw_section(SECTIONS[0], profile, recommendation, is_wide=False, prefix=f"d{digest}-")
    return page_environment().get_template("snippet.html.j2").render(
        title=model_name(profile), facts=header_facts(profile), answer=_answer(recommendation), figure=drawn
    )  # fmt: skip


def json_text(context: dict[str, Any]) -> str:
    """JSON by the standard's letter: a NaN inside would be an error here, not a surprise elsewhere."""
    return json.dumps(context, allow_nan=False, ensure_ascii=False)


def json_for_page(context: dict[str, Any]) -> Markup:
    """JSON that can stand inside a `<script>` element: nothing in it can close the element or open a comment."""
    text = json_text(context)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def csv_link(profile: Profile) -> str:
    """A link that holds the profile as CSV, so that the download works without script."""
    text = profile.to_dataframe().to_csv(index=False, lineterminator="\n")
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"


def _neighbor_parts(found: Neighborhoods | None) -> dict[str, Any]:
    """The map of overlaps and the explorer; both empty for a profile without its run folder."""
    if found is None:
        return {"k": 0, "heatmap": "", "explorer": None, "explorer_json": ""}
    content = explorer_data(found)
    return {
        "k": found.k,
        "heatmap": heatmap_svg(found.overlap, found.layers) if found.overlap is not None else "",
        "explorer": content,
        "explorer_json": json_for_page(content),
    }


def page_environment() -> Environment:
    """The templates of all pages: every text is escaped, and a name that is missing raises."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _answer(recommendation: Recommendation) -> dict[str, Any]:
    content = recommendation.to_dict()
    return {
        **content,
        "reasons": [with_links(text) for text in recommendation.reasons],
        "cautions": [with_links(text) for text in recommendation.cautions],
        "yardstick": recommendation.regret.quantity.replace("_", " ") if recommendation.regret else "",
        "percent": None if content["stability"] is None else round(100 * recommendation.stability),
    }


def _hash_of(script: str) -> str:
    return "sha256-" + base64.b64encode(sha256(script.encode()).digest()).decode()
