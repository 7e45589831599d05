"""The places of all files in a run folder."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import tomli_w

from dimscope.config import RunConfig, changed_options, config_from, read_config
from dimscope.errors import StoreError, UsageError
from dimscope.files import write_text

LEFTOVER = re.compile(r"\..+\.\d+\.part(\.[^.]+)?")
"""Names of the temporary files of `dimscope.files.atomic_path`."""
EARLY_FILES = ("log.jsonl", "manifest.json")
"""What a run may have written before its configuration; with these alone, an interrupted run goes on."""


@dataclass(frozen=True)
class RunFolder:
    """`runs/NAME`: each file stands alone."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.toml"

    @property
    def points(self) -> Path:
        """Who is in which row."""
        return self.path / "points.parquet"

    @property
    def states(self) -> Path:
        """One array per layer."""
        return self.path / "states"

    @property
    def neighbors(self) -> Path:
        """One table per layer."""
        return self.path / "neighbors"

    @property
    def controls(self) -> Path:
        """One run folder per control: the same measures where there is nothing to find."""
        return self.path / "controls"

    @property
    def pools(self) -> Path:
        """One run folder per further pooling."""
        return self.path / "pools"

    @property
    def profile(self) -> Path:
        """All measures."""
        return self.path / "profile.nc"

    @property
    def table(self) -> Path:
        """One row per layer."""
        return self.path / "profile.csv"

    @property
    def overlap(self) -> Path:
        """Overlap of every layer with every other one."""
        return self.path / "overlap.csv"

    @property
    def measures(self) -> Path:
        """Values of the measures that were asked for beyond those of every run."""
        return self.path / "measures.json"

    @property
    def recommendation(self) -> Path:
        """The answer."""
        return self.path / "recommendation.json"

    @property
    def findings(self) -> Path:
        """The health checks that spoke."""
        return self.path / "findings.json"

    @property
    def figures(self) -> Path:
        """Pictures."""
        return self.path / "figures"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report.html"

    @property
    def citations(self) -> Path:
        """BibTeX of what was used."""
        return self.path / "citations.bib"

    @property
    def log(self) -> Path:
        """What happened when."""
        return self.path / "log.jsonl"

    def table_of(self, layer: str) -> Path:
        """The neighbour table of one layer."""
        return self.neighbors / f"{layer}.npz"


def folder_name(text: str) -> str:
    """The text with hyphens in place of what not every file system allows in a name; `run` where nothing is left."""
    return re.sub(r"[^\w.-]+", "-", text).strip("-.") or "run"


def write_config(folder: RunFolder, config: RunConfig) -> None:
    """Store the resolved configuration as TOML."""
    write_text(folder.config, tomli_w.dumps(config.to_dict()))


def open_folder(path: Path) -> RunFolder:
    """An existing run folder, for reading; nothing is created.

    Raises:
        StoreError: there is no run at `path`.
    """
    folder = RunFolder(path)
    if not folder.config.is_file():
        raise StoreError(f"{path} is not a run folder (it has no config.toml). Make one with `dimscope run ... -o {path}`.")
    return folder


def check_same_request(folder: RunFolder, config: RunConfig, parts: tuple[str, ...]) -> None:
    """Nothing when the folder is new or was made with the same options in these parts.

    Raises:
        UsageError: another configuration, or the folder holds something else than a run.
    """
    if not folder.path.exists():
        return
    if not folder.path.is_dir():
        raise UsageError(f"{folder.path} is a file; choose another output folder with -o.")
    if not folder.config.exists():
        if any(entry.name not in EARLY_FILES and not entry.name.startswith(".") for entry in folder.path.iterdir()):
            raise UsageError(f"{folder.path} exists and is not a run folder; choose another one with -o.")
        return
    changes = changed_options(read_config(folder.config), config.to_dict(), parts)
    if changes:
        advice = "Choose --on-existing redo or another -o."
        if all(change.startswith("measure.") for change in changes):
            advice = f"To measure the same states anew, call dimscope measure {folder.path} with the new options. {advice}"
        raise UsageError(f"{folder.path} was made with {'; '.join(changes)}. {advice}")


def clear_results(folder: RunFolder) -> None:
    """Remove everything that a run wrote, and nothing else."""
    for path in (folder.states, folder.neighbors, folder.figures, folder.controls, folder.pools):
        shutil.rmtree(path, ignore_errors=True)
    names = (
        folder.config, folder.points, folder.profile, folder.table, folder.recommendation, folder.findings, folder.report,
        folder.overlap, folder.measures, folder.citations, folder.log, folder.path / "manifest.json",
    )  # fmt: skip
    for path in names:
        path.unlink(missing_ok=True)


def remove_leftovers(folder: RunFolder) -> None:
    """Remove the temporary files that killed processes left in the folder."""
    for path in folder.path.rglob(".*.part*"):
        if LEFTOVER.fullmatch(path.name):
            path.unlink(missing_ok=True)


def read_folder_config(folder: RunFolder) -> RunConfig:
    """The configuration that the folder was made with."""
    return config_from(read_config(folder.config))
