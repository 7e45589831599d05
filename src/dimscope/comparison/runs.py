"""The runs of a comparison and what they are called."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dimscope.errors import StoreError, UsageError
from dimscope.profile import Profile
from dimscope.store.folder import RunFolder, open_folder


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """A finished run under the name that the comparison uses."""

    name: str
    folder: RunFolder
    profile: Profile


def open_runs(words: Sequence[str]) -> list[ComparedRun]:
    """The runs of a comparison, in the order given.

    Args:
        words: `RUN` or `NAME=RUN` each; without a name a run is called as its folder, with the folder above where two agree.

    Raises:
        UsageError: fewer than two runs, the same run twice, or one name for two runs.
        StoreError: a word names no run folder, or a run that is not finished.
    """
    if len(words) < 2:
        raise UsageError(f"{len(words)} run was given; a comparison needs at least two: dimscope compare RUN RUN.")
    given = [_split(word) for word in words]
    _refuse_repeats([path for _, path in given])
    names = _names(given)
    return [ComparedRun(name, *_finished(path)) for name, (_, path) in zip(names, given, strict=True)]


def _split(word: str) -> tuple[str | None, Path]:
    """Name and path of a word; a folder whose own name holds `=` is taken as it is."""
    name, equals, place = word.partition("=")
    if not equals or Path(word).exists():
        return None, Path(word)
    if not name.strip() or not place:
        raise UsageError(f'"{word}" was given; write RUN or NAME=RUN, with a name and a folder.')
    return name.strip(), Path(place)


def _refuse_repeats(paths: Sequence[Path]) -> None:
    for path, times in Counter(path.resolve() for path in paths).items():
        if times > 1:
            raise UsageError(f"the run {path} was given {times} times; name each run once.")


def _names(given: Sequence[tuple[str | None, Path]]) -> list[str]:
    stems = Counter(path.resolve().name for name, path in given if name is None)
    names = [name or _folder_name(path.resolve(), stems) for name, path in given]
    repeated = [name for name, times in Counter(names).items() if times > 1]
    if repeated:
        raise UsageError(f'two runs would be called "{repeated[0]}"; give names with NAME=RUN.')
    return names


def _folder_name(path: Path, stems: Counter[str]) -> str:
    return path.name if stems[path.name] == 1 else f"{path.parent.name}/{path.name}"


def _finished(path: Path) -> tuple[RunFolder, Profile]:
    folder = open_folder(path)
    if not folder.profile.is_file():
        raise StoreError(f"the run {path} is not finished (it has no profile.nc); finish it with `dimscope measure {path}`.")
    return folder, Profile.load(folder.profile)
