"""How good is the advice? Regret of every layer rule against label overlap, kNN accuracy and a linear probe.

python benchmarks/recommendation.py [--out runs/benchmark] [--only WORD] [--points N] [--finished]
    [--no-probe] [--write docs/recommendation.md]

Needs the extras `demo`, `decoder`, `digits` and `probe`, the packages that `recommendation_cases.py` names, and about half an
hour of two cores. Finished parts are kept in the folder. The published curves are judged as well.
"""

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from recommendation_blocks import Blocks, blocks_of, blocks_table
from recommendation_cases import CASES
from recommendation_families import Evidence, evidence, families_table, published_evidence
from recommendation_published import published_table
from recommendation_tables import YARDSTICKS, cases_table, rules_table

from dimscope import linear_probe
from dimscope.files import write_text
from dimscope.pipeline.run import run_stages
from dimscope.profile import Profile
from dimscope.progress import Silent
from dimscope.rules import RULES
from dimscope.store.folder import RunFolder

PENALTIES = (0.01,)
"""One strength for all layers: the differences between layers, not the best accuracies, are wanted."""


def folder_of(name: str, out: Path) -> RunFolder:
    """Where the run of a case is kept."""
    return RunFolder(out / "runs" / re.sub(r"\W+", "-", name))


def measured(name: str, out: Path, points: int | None, *, finished: bool, probe: bool = True) -> Profile:
    """The profile of a case with its yardsticks; of a finished run when that is asked for, otherwise run where it is not."""
    folder = folder_of(name, out)
    if finished:
        profile = Profile.load(folder.profile)
    else:
        config = CASES[name].config(out / "data", points)
        profile = run_stages(config, folder.path, with_report=False, progress=Silent()).profile
    return profile.with_columns({"linear_probe": probed(folder, profile)}) if probe else profile


def chosen_cases(out: Path, word: str, *, finished: bool) -> list[str]:
    """Cases whose name holds the word, and whose run is finished when that is asked for."""
    return [name for name in CASES if word in name and (not finished or folder_of(name, out).profile.is_file())]


def probed(folder: RunFolder, profile: Profile) -> np.ndarray:
    """Held-out accuracy of a linear probe per layer; kept in `probe.json` of the folder."""
    from pyarrow import parquet

    place = folder.path / "probe.json"
    known = json.loads(place.read_text(encoding="utf-8")) if place.is_file() else {}
    labels = parquet.read_table(folder.points, columns=["label"])["label"].to_pylist()
    for layer in profile.layers:
        if layer.name not in known:
            points = np.load(folder.states / f"{layer.name}.npy")
            is_constant = bool((points == points[0]).all())  # the CLS token before the first block
            accuracy = None if is_constant else linear_probe(points, labels, folds=3, strengths=PENALTIES).value
            known[layer.name] = accuracy
            write_text(place, json.dumps(known))
    return np.array([known[layer.name] for layer in profile.layers], dtype=np.float64)


def outcome(profile: Profile) -> dict[str, Any]:
    """Rule -> its layer, and the share of the best value that it reaches on each yardstick; the final norm is left out.

    `best` holds the best layer for each yardstick, `examples` how many there were.
    """
    rows = [row for row, layer in enumerate(profile.layers) if layer.site != "final_norm"]
    names = [profile.layers[row].name for row in rows]
    values = {yardstick: profile.values(yardstick)[rows] for yardstick in YARDSTICKS if profile.has(yardstick)}
    found: dict[str, Any] = {}
    for rule in RULES:
        answer = RULES.load(rule)().recommend(profile)
        layer = names[-1] if rule == "last" else answer.best  # the final norm is a site of its own
        found[rule] = {"layer": layer, "is_weak": answer.is_weak}
        for yardstick, column in values.items():
            found[rule][yardstick] = None if layer is None else float(column[names.index(layer)] / np.nanmax(column))
    found["best"] = {yardstick: names[int(np.nanargmax(column))] for yardstick, column in values.items()}
    found["examples"] = int(profile.values("n")[0])
    return found


def write_page(page: Path, tables: Mapping[str, str]) -> None:
    """Replace what stands between the marks `<!-- name -->` and `<!-- /name -->` of a page."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        mark, end = f"<!-- {name} -->\n", f"\n<!-- /{name} -->"
        before, start, rest = text.partition(mark)
        _, stop, after = rest.partition(end)
        if not start or not stop:
            raise SystemExit(f"{page} has no marks {mark.strip()} and {end.strip()}")
        text = f"{before}{mark}{table}{end}{after}"
    write_text(page, text)


def main() -> None:
    """Run what is missing and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    parser.add_argument("--points", type=int, help="so many examples of each case")
    parser.add_argument("--finished", action="store_true", help="run nothing: judge the rules on the finished runs")
    parser.add_argument("--no-probe", action="store_true", help="leave out the linear probe, which takes half of the time")
    parser.add_argument("--write", type=Path, help="a page with the marks")
    chosen = parser.parse_args()
    results: dict[str, dict[str, Any]] = {}
    cases: list[Evidence] = []
    blocks: list[Blocks] = []
    for name in chosen_cases(chosen.out, chosen.only, finished=chosen.finished):
        profile = measured(name, chosen.out, chosen.points, finished=chosen.finished, probe=not chosen.no_probe)
        results[name] = outcome(profile)
        cases.append(evidence(name, CASES[name].family, profile))
        blocks.append(blocks_of(name, profile, folder_of(name, chosen.out).path))
        print(name, json.dumps(results[name]), flush=True)
    tables = {
        "published": published_table(),
        "rules": rules_table(results),
        "cases": cases_table(results),
        "families": families_table([*cases, *published_evidence()]),
        "blocks": blocks_table(blocks),
    }
    write_text(chosen.out / "results.json", json.dumps(results, indent=1))
    print("\n\n".join(tables.values()))
    if chosen.write is not None:
        write_page(chosen.write, tables)


if __name__ == "__main__":
    main()
