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
from dimscope.reports.budget import LEAST_EXPLORER, MOST_BYTES, Content, fit, frame_of_explorer
from dimscope.reports.citations import bibtex
from dimscope.reports.context import header_facts, label_facts, model_name, report_context, table_columns, table_rows
from dimscope.reports.embedded import csv_link, json_for_page
from dimscope.reports.explorer import explorer_data
from dimscope.reports.heatmap import heatmap_svg, step_of
from dimscope.reports.neighborhoods import Neighborhoods
from dimscope.reports.provenance import methods_of, provenance_groups, readable_time, with_links
from dimscope.reports.sections import SECTIONS, draw_section, draw_sections
from dimscope.rules.base import Recommendation

TEMPLATES = Path(__file__).parent / "templates"
SCRIPTS = ("figures.js", "report.js", "buttons.js", "explorer.js")
LONGEST_HEADING = 120
"""Characters of a name above the page; the whole name is in its title and in the provenance."""


def render_page(
    profile: Profile,
    recommendation: Recommendation,
    findings: Sequence[Finding],
    neighborhoods: Neighborhoods | None = None,
) -> str:
    """The whole page: no request to any host, safe for any text in labels, names, paths and examples."""
    provenance = profile.provenance
    parts = {
        **_frame(),
        "title": model_name(profile),
        "heading": shorten(model_name(profile), LONGEST_HEADING),
        "facts": header_facts(profile),
        "labels": label_facts(profile),
        "created": readable_time(provenance.get("created")),
        "version": str(provenance.get("dimscope") or ""),
        "answer": _answer(recommendation),
        **_neighbor_parts(neighborhoods),
        "columns": table_columns(profile),
        "rows": table_rows(profile, recommendation),
        "findings": [finding.to_dict() for finding in findings],
        "n_checks": len(CHECKS),
        "groups": provenance_groups(provenance),
        "command": str(provenance.get("command") or ""),
        "config": json.dumps(provenance.get("config") or {}, indent=2, ensure_ascii=False),
        "credits": [with_links(str(line)) for line in provenance.get("credits") or []],
        "methods": methods_of(profile, recommendation.rule),
        "citations": bibtex(profile, recommendation.rule),
        "data": json_for_page(report_context(profile, recommendation, findings)),
    }
    return _filled(parts, Content(draw_sections(profile, recommendation), csv_link(profile)), neighborhoods)


def _filled(parts: dict[str, Any], content: Content, neighborhoods: Neighborhoods | None) -> str:
    """The page with as much of its content, and as many examples, as fit."""
    template = page_environment().get_template("report.html.j2")

    def page(content: Content, **more: Any) -> str:
        return template.render({**parts, "most_bytes": MOST_BYTES, **content._asdict(), **more})

    room = MOST_BYTES - len(page(content).encode())
    if neighborhoods is None:
        return page(fit(content, room)[0])
    room -= frame_of_explorer(len(neighborhoods.layers))
    content, room = fit(content, room - LEAST_EXPLORER)
    explorer = explorer_data(neighborhoods, most=room + LEAST_EXPLORER)
    if not explorer["n_chosen"]:
        return page(content._replace(left_out=(*content.left_out, "the neighbours of examples")))
    return page(content, explorer=explorer, explorer_json=json_for_page(explorer))


def _frame() -> dict[str, Any]:
    """Style and script."""
    script = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    style = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))
    return {"style": style, "script": Markup(script), "script_hash": _hash_of(script)}


def render_snippet(profile: Profile, recommendation: Recommendation) -> str:
    """A fragment for notebooks: the answer and the dimension profile, without script."""
    # A notebook may hold many snippets, and ids count over the whole notebook.
    digest = sha256(profile.to_dataframe().to_csv().encode()).hexdigest()[:8]
    drawn = draw_section(SECTIONS[0], profile, recommendation, is_wide=False, prefix=f"d{digest}-")
    return page_environment().get_template("snippet.html.j2").render(
        title=model_name(profile), facts=header_facts(profile), answer=_answer(recommendation), figure=drawn
    )  # fmt: skip


def _neighbor_parts(found: Neighborhoods | None) -> dict[str, Any]:
    """The map of overlaps; the explorer is added when it is known how much room there is."""
    parts = {"k": 0, "heatmap": "", "every": 1, "notice": "", "explorer": None, "explorer_json": ""}
    if found is None:
        return parts
    drawn = heatmap_svg(found.overlap, found.layers) if found.overlap is not None else ""
    return {**parts, "k": found.k, "heatmap": drawn, "every": step_of(len(found.layers)), "notice": found.notice}


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
