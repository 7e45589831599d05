"""Which layers of a run, and the rows of its examples."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dimscope.errors import StoreError, UsageError, unknown_name
from dimscope.store.folder import RunFolder
from dimscope.store.manifest import Manifest

if TYPE_CHECKING:
    import pyarrow

ALL = "all"


def choose_layers(folder: RunFolder, wanted: Sequence[str] | None) -> list[str]:
    """Names of layers, in the order of depth.

    Args:
        folder: the run.
        wanted: names, or `all`; None: the layer that the run recommends first.

    Raises:
        UsageError: no such layer, or none was named and the run recommends none.
    """
    known = [str(layer["name"]) for layer in Manifest(folder.path).content.get("layers", [])]
    if wanted is None:
        best = _recommended(folder)
        if best is None:
            raise UsageError(f"the run recommends no layer; name one with --layer: {', '.join(known)}.")
        return [best]
    wanted = [wanted] if isinstance(wanted, str) else wanted  # one name is a sequence of letters
    for name in wanted:
        if name not in known and name != ALL:
            raise unknown_name("layer", name, known)
    return [name for name in known if name in wanted or ALL in wanted]


def point_rows(folder: RunFolder) -> "pyarrow.Table":
    """points.parquet: one row per example.

    Raises:
        StoreError: it is gone or damaged.
    """
    from pyarrow import ArrowException, parquet

    try:
        return parquet.read_table(folder.points)
    except (OSError, ArrowException) as error:
        raise StoreError(f"{folder.points} is gone or damaged ({error}); run the first stage again.") from None


def _recommended(folder: RunFolder) -> str | None:
    if not folder.recommendation.is_file():
        return None
    try:
        best = json.loads(folder.recommendation.read_text(encoding="utf-8")).get("best")
    except (ValueError, AttributeError):
        raise StoreError(
            f"{folder.recommendation} is damaged; write it again with `dimscope recommend {folder.path}`."
        ) from None
    return None if best is None else str(best)
