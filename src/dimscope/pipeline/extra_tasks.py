"""Measures that are asked for, as tasks: one for each layer."""

from typing import NamedTuple

from dimscope.config import MeasureConfig
from dimscope.errors import InputError
from dimscope.pipeline.columns import Setting, columns_of
from dimscope.pipeline.layers import Row
from dimscope.pipeline.requested import Place, Request, requests
from dimscope.store.lending import LentPoints, LentTable, carried, open_points, open_table


class LentPlace(NamedTuple):
    """A layer on the way to a worker."""

    setting: Setting
    points: LentPoints
    table: LentTable


class ExtraTask(NamedTuple):
    """These measures of the layer `place`; None stands for a layer without a table, or behind the last one."""

    place: int
    options: MeasureConfig
    asked: tuple[str, ...]
    here: Place | LentPlace | None
    following: Place | LentPlace | None


def extra_bytes(task: ExtraTask) -> int:
    """Bytes that go along with a task to a worker that does not see the disk of the driver."""
    return sum(carried(place) for place in (task.here, task.following) if isinstance(place, LentPlace))


def measured_extras(task: ExtraTask) -> dict[str, tuple[Row, str]]:
    """Measure -> its columns at the layer, and why there are none."""
    if task.here is None:
        return {name: ({}, "") for name in task.asked}
    here = _opened(task.here)
    following = None if task.following is None else _opened(task.following)
    every = requests(task.options)
    return {name: _measured(every[name], here, following) for name in task.asked}


def place_of(lent: LentPlace) -> Place:
    """The layer, opened."""
    options, columns = lent.setting.config, columns_of(lent.setting)
    return Place(
        open_table(lent.table),
        open_points(lent.points),
        columns.labels,
        columns.groups,
        options.measure.overlap_k,
        options.data.seed,
    )


def _opened(place: Place | LentPlace) -> Place:
    return place_of(place) if isinstance(place, LentPlace) else place


def _measured(request: Request, here: Place, following: Place | None) -> tuple[Row, str]:
    row: Row = {}
    try:
        if request.of_layer is not None:
            row |= request.of_layer(here)
        if request.of_step is not None and following is not None:
            row |= request.of_step(here, following)
    except InputError as error:
        return row, str(error)
    return row, ""
