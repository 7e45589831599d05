"""How good is the advice? Regret of every layer rule against label overlap, kNN accuracy and a linear probe.

python benchmarks/recommendation.py [--out runs/benchmark] [--only WORD] [--write docs/recommendation.md]

Needs the extras `demo`, `decoder` and `probe`, the packages that `recommendation_cases.py` names, and about an hour of two
cores. Finished parts are kept in the folder.
"""

import argparse
import json
import re
from pathlib import Path

import numpy as np
from recommendation_cases import CASES

from dimscope import linear_probe
from dimscope.pipeline.run import run_stages
from dimscope.profile import Profile
from dimscope.progress import Silent
from dimscope.rules import RULES
from dimscope.store.folder import RunFolder

YARDSTICKS = ("label_overlap", "knn_accuracy", "linear_probe")
MARKS = ("<!-- benchmark -->", "<!-- /benchmark -->")
PENALTIES = (0.01,)
"""One strength for all layers: the differences between layers, not the best accuracies, are wanted."""


def measured(name: str, out: Path) -> tuple[Profile, list[str]]:
    """The profile of a case with all yardsticks, and its layers without the final norm."""
    folder = out / "runs" / re.sub(r"\W+", "-", name)
    result = run_stages(CASES[name](out), folder, with_report=False, progress=Silent())
    profile = result.profile
    names = [layer.name for layer in profile.layers if layer.site != "final_norm"]
    return profile.with_columns({"linear_probe": probed(RunFolder(folder), profile)}), names


def probed(folder: RunFolder, profile: Profile) -> np.ndarray:
    """Held-out accuracy of a linear probe per layer; kept in `probe.json` of the folder."""
    from pyarrow import parquet

    place = folder.path / "probe.json"
    known = json.loads(place.read_text()) if place.is_file() else {}
    labels = parquet.read_table(folder.points, columns=["label"])["label"].to_pylist()
    for layer in profile.layers:
        if layer.name not in known:
            points = np.load(folder.states / f"{layer.name}.npy")
            is_constant = bool((points == points[0]).all())  # the CLS token before the first block
            accuracy = None if is_constant else linear_probe(points, labels, folds=3, strengths=PENALTIES).value
            known[layer.name] = accuracy
            place.write_text(json.dumps(known))
    return np.array([known[layer.name] for layer in profile.layers], dtype=np.float64)


def outcome(profile: Profile, names: list[str]) -> dict[str, dict[str, object]]:
    """Rule -> its layer, and the share of the best value that it reaches on each yardstick (None without a choice)."""
    rows = [row for row, layer in enumerate(profile.layers) if layer.name in names]
    found: dict[str, dict[str, object]] = {}
    for rule in RULES:
        answer = RULES.load(rule)().recommend(profile)
        best = names[-1] if rule == "last" else answer.best  # the final norm is a site of its own
        found[rule] = {"layer": best}
        for yardstick in YARDSTICKS:
            values = profile.values(yardstick)[rows]
            found[rule][yardstick] = None if best is None else float(values[names.index(best)] / np.nanmax(values))
    tops = {f"best {name}": names[int(np.nanargmax(profile.values(name)[rows]))] for name in YARDSTICKS}
    return {**found, "best": tops}


def table(results: dict[str, dict[str, dict[str, object]]]) -> str:
    """Two tables: the mean over cases of what each rule reaches, and the label overlap of each case."""
    lines = [
        "| rule | cases with a choice | label overlap | kNN accuracy | linear probe | worst label overlap |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rule in RULES:
        reached = {name: [r[rule][name] for r in results.values() if r[rule][name] is not None] for name in YARDSTICKS}
        means = [f"{100 * np.mean(reached[name]):.0f} %" if reached[name] else "-" for name in YARDSTICKS]
        worst = f"{100 * min(reached['label_overlap']):.0f} %" if reached["label_overlap"] else "-"
        lines.append(f"| `{rule}` | {len(reached['label_overlap'])} of {len(results)} | {' | '.join(means)} | {worst} |")
    lines += ["", f"| case | best layer | {' | '.join(f'`{rule}`' for rule in RULES)} |", "| --- " * (len(RULES) + 2) + "|"]
    for case, found in results.items():
        cells = [
            "-"
            if found[rule]["layer"] is None
            else f"{100 * float(found[rule]['label_overlap']):.0f} ({_short(found[rule]['layer'])})"
            for rule in RULES
        ]
        lines.append(f"| {case} | {_short(found['best']['best label_overlap'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _short(layer: object) -> str:
    return str(int(str(layer).rpartition("_")[2]))


def main() -> None:
    """Run what is missing and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark"))
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    parser.add_argument("--write", type=Path, help="a page with the two marks")
    chosen = parser.parse_args()
    results = {}
    for name in CASES:
        if chosen.only in name:
            results[name] = outcome(*measured(name, chosen.out))
            print(name, json.dumps(results[name]), flush=True)
    text = table(results)
    print(text)
    (chosen.out / "results.json").write_text(json.dumps(results, indent=1))
    if chosen.write is not None:
        page = chosen.write.read_text(encoding="utf-8")
        start, end = page.index(MARKS[0]) + len(MARKS[0]), page.index(MARKS[1])
        chosen.write.write_text(f"{page[:start]}\n{text}\n{page[end:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
