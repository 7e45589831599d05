"""Run folders that a command is given: paths, or URLs of other file systems."""

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
