"""Copies the pictures of docs/gallery.md from finished runs and comparisons into docs/images.

python scripts/make_gallery.py RUNS      the folder with the runs that the page names, made by the commands on the page

Numbers in the pictures are cut to a hundredth of a point, which no eye sees and which halves the files.
"""

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "gallery.md"
IMAGES = ROOT / "docs" / "images"
PICTURES = {
    "gallery-profile.svg": "demo/figures/overview.svg",
    "gallery-scale.svg": "digits/figures/scale.svg",
    "gallery-spectrum.svg": "reactions/figures/spectrum.svg",
    "gallery-models.svg": "models/figures/overview.svg",
    "gallery-several-k.svg": "models/figures/overlap_scaling.svg",
    "gallery-poolings.svg": "poolings/figures/label_overlap.svg",
    "gallery-map.svg": "poolings/figures/map-1-mean-cls.svg",
    "gallery-decoder.svg": "decoders/figures/overview.svg",
    "gallery-training.svg": "training/figures/overview.svg",
}
"""Name in docs/images -> place below RUNS."""


def short_numbers(svg: str) -> str:
    """The same drawing with at most two digits after each point."""
    return re.sub(r"-?\d+\.\d{3,}", lambda match: f"{float(match.group()):.2f}".rstrip("0").rstrip("."), svg)


def copy_pictures(runs: Path) -> list[Path]:
    """The written files.

    Raises:
        SystemExit: a picture is missing; says which command of the page makes it.
    """
    missing = [place for place in PICTURES.values() if not (runs / place).is_file()]
    if missing:
        sys.exit(f"{runs} lacks {', '.join(missing)}; docs/gallery.md has the commands that make them.")
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, place in PICTURES.items():
        (IMAGES / name).write_text(short_numbers((runs / place).read_text(encoding="utf-8")), encoding="utf-8")
    return [IMAGES / name for name in PICTURES]


def main() -> None:
    """Copy all pictures and say how large they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    for path in copy_pictures(parser.parse_args().runs):
        sys.stdout.write(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    main()
