"""Run folders that a command is given: paths, or URLs of other file systems."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import click


def all_files(name: str) -> bool:
    """True."""
    del name
    return True


def stand_in(place: Path, *, writes: bool = True, wanted: Callable[[str], bool] = all_files) -> Path:
    """The folder of this machine that stands for a place until the command ends; see `dimscope.store.staging.placed`."""
    from dimscope.store.staging import placed

    return click.get_current_context().with_resource(placed(place, writes=writes, wanted=wanted))


def but_states(name: str) -> bool:
    """True for files of a run that are no states: what is needed to read results and to draw them again."""
    return not name.startswith("states/") and "/states/" not in name


def lasting(file: Path) -> Path:
    """The file, or, where it stands in for one at a URL and goes when the command ends, a copy that stays."""
    from dimscope.store.staging import shown

    if shown(file) == str(file):
        return file
    return Path(shutil.copy(file, Path(tempfile.mkdtemp(prefix="dimscope-")) / file.name))
