"""Parts of a finished run as files for other tools."""

from collections.abc import Sequence
from pathlib import Path

from dimscope.errors import StoreError, UsageError, unknown_name
from dimscope.exports.neighbors import export_neighbors
from dimscope.exports.numbers import export_profile
from dimscope.exports.points import export_points
from dimscope.exports.selection import choose_layers
from dimscope.profile import Profile
from dimscope.store.folder import open_folder

FORMATS = {
    "neighbors": ("parquet", "csv"),
    "points": ("parquet", "safetensors", "npy"),
    "profile": ("csv", "json", "nc"),
}
"""What can be exported -> its formats, the usual one first; a format is also the ending of the file."""


def export(
    run: str | Path,
    what: str,
    out: str | Path | None = None,
    *,
    format: str | None = None,
    layers: Sequence[str] | None = None,
    k: int | None = None,
    with_points: bool = False,
) -> Path:
    """The path of a file with one part of a finished run, written as a whole or not at all.

    - `neighbors`, `parquet`: the rows of points.parquet with a column `neighbors` of the form
      `{ids: [...], distances: [...]}`, ids being row numbers from 0: the column form of embedding-atlas. `csv`: one line per
      neighbour with `id`, `rank`, `neighbor` (an id), `distance`.
    - `points`, `parquet`: the rows of points.parquet with a column `vector`. `safetensors`: one tensor per layer under its
      name. `npy`: the array of one layer. All in the precision that the run stored.
    - `profile`: every number over the layers; `csv` as profile.csv, `json` with the provenance, `nc` as profile.nc.

    Args:
        run: a run folder.
        what: `neighbors`, `points` or `profile`.
        out: the file; default: named after the run, the layer and the part, in the working folder. An older one is replaced.
        format: default: the ending of `out`, or the usual one.
        layers: names of the layers, or `all` (safetensors takes several, the others one); default: the layer that the run
            recommends first.
        k: neighbours of each example; default: all that the table holds.
        with_points: a column `vector` beside the neighbours (parquet).

    Raises:
        UsageError: an unknown part, format or layer, several layers where one fits, a format against the ending, an option that
            the part does not know, or more neighbours than the table holds.
        StoreError: no finished run, a part of it is gone or damaged, or the file cannot be written.

    Examples:
        >>> export("runs/mine", "neighbors", "mine.parquet", layers=["block_05"], k=15)  # doctest: +SKIP
    """
    if what not in FORMATS:
        raise unknown_name("part of a run", what, FORMATS)
    _refuse_strangers(what, layers=layers, k=k, with_points=with_points)
    ending = _format_of(what, format, None if out is None else Path(out))
    folder = open_folder(Path(run))
    if not folder.profile.is_file():
        raise StoreError(f"the run {run} is not finished (it has no profile.nc); finish it with `dimscope measure {run}`.")
    name = folder.path.resolve().name
    if what == "profile":
        return export_profile(Profile.load(folder.profile), Path(out or f"{name}-profile.{ending}"), ending)
    chosen = choose_layers(folder, layers)
    if ending != "safetensors" and len(chosen) != 1:
        raise UsageError(f"{len(chosen)} layers were named, but a {ending} file holds one; name one with --layer.")
    place = Path(out or f"{name}-{chosen[0] if len(chosen) == 1 else 'layers'}-{what}.{ending}")
    if what == "points":
        return export_points(folder, chosen, place, ending)
    return export_neighbors(folder, chosen[0], place, ending, k=k, with_points=with_points)


def _format_of(what: str, wanted: str | None, out: Path | None) -> str:
    """The format that was asked for, by its name or by the ending of the file."""
    found = out.suffix[1:].lower() if out is not None else ""
    named = wanted or found or FORMATS[what][0]
    if named not in FORMATS[what]:
        raise unknown_name(f"format of {what}", named, FORMATS[what])
    if found and found != named:
        raise UsageError(f'the format {named} was asked for, but the file ends with ".{found}"; let them agree.')
    return named


def _refuse_strangers(what: str, *, layers: Sequence[str] | None, k: int | None, with_points: bool) -> None:
    """Refuse options that this part does not know."""
    given = {"--layer": layers is not None, "--k": k is not None, "--with-points": with_points}
    known = {"neighbors": set(given), "points": {"--layer"}, "profile": set()}[what]
    strangers = [name for name, is_given in given.items() if is_given and name not in known]
    if strangers:
        raise UsageError(f"{', '.join(strangers)} was given, but {what} knows {', '.join(sorted(known)) or 'no such option'}.")


__all__ = ["FORMATS", "export"]
