"""What is known of the examples of a run beside their points: labels, groups, and whose tokens the rows are."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dimscope.arrays import IntArray
from dimscope.config import RunConfig
from dimscope.engines.shared import SharedFile, locate
from dimscope.engines.worker import copies_folder
from dimscope.errors import InputError
from dimscope.store.lending import stamp


class Setting(NamedTuple):
    """What all tasks of one measuring share.

    Attributes:
        config: the options.
        points: `points.parquet` of the run.
        by_prompt: rows are all tokens of each example.
    """

    config: RunConfig
    points: SharedFile
    by_prompt: bool


class Columns(NamedTuple):
    """One entry per row.

    Attributes:
        labels: None where there are none, or gaps.
        groups: None unless members of the own group are left out.
        prompts: the rows of each example's tokens, or None.
    """

    labels: Sequence[str] | None
    groups: Sequence[str] | None
    prompts: Sequence[IntArray] | None


def point_column(path: Path, name: str) -> list[str] | None:
    """A column of `points.parquet`, or None when it has gaps."""
    from pyarrow import parquet

    cells: list[Any] = parquet.read_table(path, columns=[name])[name].to_pylist()
    return None if any(cell is None for cell in cells) else cells


def groups_of(config: RunConfig, path: Path) -> list[str] | None:
    """The groups whose members do not count, or None when none are left out.

    Raises:
        InputError: they are asked for, and the examples have none.
    """
    if not config.measure.exclude_group:
        return None
    groups = point_column(path, "group")
    if groups is None:
        raise InputError("--exclude-group was asked for, but the examples have no groups; name their column with --group.")
    return groups


def rows_of_examples(path: Path) -> list[IntArray]:
    """The rows of each example's tokens."""
    from pyarrow import parquet

    examples = parquet.read_table(path, columns=["example"])["example"].to_pylist()
    starts = [row for row, name in enumerate(examples) if row == 0 or name != examples[row - 1]]
    return [np.arange(start, stop) for start, stop in zip(starts, [*starts[1:], len(examples)], strict=True)]


def columns_of(setting: Setting) -> Columns:
    """The columns that the tasks need, read once by each process.

    Raises:
        FileMissingError: this worker does not see the file; the engine then sends it.
        InputError: groups that are asked for and missing.
    """
    path = locate(setting.points, copies_folder())
    return _read(path, stamp(path), setting)


@lru_cache(maxsize=1)
def _read(path: Path, written: tuple[int, int], setting: Setting) -> Columns:
    del written
    prompts = rows_of_examples(path) if setting.by_prompt else None
    return Columns(point_column(path, "label"), groups_of(setting.config, path), prompts)
