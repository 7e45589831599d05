"""Stages 3 and 4: the answer and the page."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dimscope.checks import find_findings
from dimscope.checks.base import Finding
from dimscope.config import RunConfig
from dimscope.engines import HERE, Engine
from dimscope.files import write_text
from dimscope.profile import Profile
from dimscope.rules import Recommendation, recommend
from dimscope.store.folder import RunFolder, read_folder_config
from dimscope.store.manifest import Manifest

if TYPE_CHECKING:
    from dimscope.reports.neighborhoods import Neighborhoods

FIGURE_ENDINGS = (".svg", ".png")
WITH_ANSWER = ("dimension", "overview")
"""Figures that show the recommended range."""


def answer(config: RunConfig, folder: RunFolder, profile: Profile) -> tuple[Recommendation, list[Finding]]:
    """Write `recommendation.json`, `findings.json` and `citations.bib`."""
    from dimscope.reports.citations import bibtex

    recommendation = recommend(profile, config.measure.rule)
    findings = find_findings(profile)
    write_text(folder.recommendation, _as_json(recommendation.to_dict()))
    write_text(folder.findings, _as_json([finding.to_dict() for finding in findings]))
    write_text(folder.citations, bibtex(profile, config.measure.rule))
    return recommendation, findings


def illustrate(
    folder: RunFolder,
    profile: Profile,
    recommendation: Recommendation,
    findings: list[Finding],
    *,
    has_texts: bool = True,
    size: str | None = None,
    endings: Sequence[str] = FIGURE_ENDINGS,
    engine: Engine = HERE,
) -> None:
    """Write `figures/`, `overlap.csv` and `report.html`; times, commands and credits come from the manifest.

    Of an earlier call no picture stays that shows other numbers: what cannot be drawn any more is removed, and further endings
    that are there are written again. Without `has_texts` the page shows examples by id and label only, and no pictures. `size`
    and `endings` are those of the files in `figures/`; without a size each plot has its own.

    Raises:
        UsageError: an unknown size or ending.
    """
    from dimscope.plots import PLOTS
    from dimscope.plots.base import METADATA
    from dimscope.reports import report
    from dimscope.reports.neighborhoods import overlap_csv, read_neighborhoods

    for name, kind in PLOTS.items():
        there = [ending for ending in METADATA if (folder.figures / f"{name}{ending}").exists()]
        if not kind.is_drawable(profile):
            for ending in there:
                (folder.figures / f"{name}{ending}").unlink()
            continue
        options: dict[str, Any] = {"recommendation": recommendation} if name in WITH_ANSWER else {}
        plot = kind(profile, **options, **({"size": size} if size else {}))
        for ending in dict.fromkeys([*endings, *there]):
            plot.save(folder.figures / f"{name}{ending}")
    full = profile.with_provenance(**_circumstances(folder))
    found = read_neighborhoods(folder, [layer.name for layer in profile.layers], overlap_k_of(profile), engine)
    if found.overlap is None:
        folder.overlap.unlink(missing_ok=True)
    else:
        write_text(folder.overlap, overlap_csv(found.overlap, found.layers))
    shown = with_pictures(folder, found) if has_texts else found.without_texts()
    report(full, recommendation, findings, neighborhoods=shown).write(folder.report)


def remove_illustrations(folder: RunFolder) -> None:
    """Remove what `illustrate` writes, and nothing else."""
    from dimscope.plots import PLOTS
    from dimscope.plots.base import METADATA

    figures = [folder.figures / f"{name}{ending}" for name in PLOTS for ending in METADATA]
    for path in (*figures, folder.overlap, folder.report):
        path.unlink(missing_ok=True)


def with_pictures(folder: RunFolder, found: "Neighborhoods") -> "Neighborhoods":
    """The same with pictures of the examples, where the data of the run are images; with the reason where they are gone."""
    from dimscope.reports.pictures import find_pictures, why_no_pictures

    config = read_folder_config(folder)
    if not config.model.name:  # points that the user brought
        return found
    data_hash = str(Manifest(folder.path).content.get("data", {}).get("hash", ""))
    picture = find_pictures(config.data, found.ids, found.texts, data_hash)
    notice = "" if picture else why_no_pictures(config.data, found.ids, found.texts)
    return replace(found, picture=picture, notice=notice)


def overlap_k_of(profile: Profile) -> int:
    """Neighbours that the run compared."""
    return int(profile.provenance["measure"]["overlap_k"])


def _circumstances(folder: RunFolder) -> dict[str, Any]:
    content = Manifest(folder.path).content
    seconds = {name: stage["seconds"] for name, stage in content.get("stages", {}).items() if "/" not in name}
    kept: dict[str, Any] = {name: content[name] for name in ("title", "credits", "created") if name in content}
    commands = [command for command in (content.get("command"), *content.get("later", [])) if command]
    return {"seconds": seconds, **kept, "command": "\n".join(commands)}


def _as_json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
