"""Folders of images or sound, one sub-folder per class."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from dimscope.config import DataConfig
from dimscope.errors import InputError, UsageError, first_of
from dimscope.files import hash_file
from dimscope.inputs.audio import AUDIO_ENDINGS, check_sound, read_sound, require_soundfile
from dimscope.inputs.base import Examples, sample_rows
from dimscope.inputs.contents import FileContents
from dimscope.inputs.images import IMAGE_ENDINGS, check_image, read_image, require_pillow

CLASS = "class"
"""The only column of a folder: the sub-folder in which a file stands."""


@dataclass(frozen=True)
class _Format:
    """How files of one kind are recognised and read."""

    endings: tuple[str, ...]
    words: str
    require: Callable[[], Any]
    check: Callable[[Path], None]
    read: Callable[[Path], Any]


FORMATS: Mapping[str, _Format] = {
    "image": _Format(IMAGE_ENDINGS, "images", require_pillow, check_image, read_image),
    "audio": _Format(AUDIO_ENDINGS, "sound", require_soundfile, check_sound, read_sound),
}
"""Kind of examples -> files."""
ENDINGS = tuple(ending for known in FORMATS.values() for ending in known.endings)


def read_folder(config: DataConfig) -> Examples:
    """One example per image or sound file below a folder, in the order of their paths; the label is the sub-folder.

    The identity of an example is its path inside the folder. Every file of the sample is opened, so that a broken one is found
    before a model is loaded; its content is read again when it is needed. Hidden files, and those of other kinds, do not count.

    Raises:
        InputError: no such files, both kinds, files beside the sub-folders, files that cannot be read while `incomplete` is
            `error`, or soundfile or Pillow are not installed.
        UsageError: a column is named that a folder does not have.
    """
    folder = Path(config.path).expanduser()
    kind, files = _find(folder)
    classed = files[0].parent != folder
    _refuse_other_columns(config, folder, classed)
    FORMATS[kind].require()
    rows = sample_rows(len(files), config.points, config.seed)
    chosen, broken = _readable([files[row] for row in rows], FORMATS[kind].check)
    if broken and (config.incomplete == "error" or not chosen):
        more = f" {len(broken) - 1} more files cannot be read." if len(broken) > 1 else ""
        hint = "Choose --incomplete drop to leave them out." if chosen else "No file is left."
        raise InputError(f"{broken[0]}{more} {hint}")
    names = [path.relative_to(folder).as_posix() for path in chosen]
    digests = [hash_file(path).encode() for path in chosen]
    classes = [name.partition("/")[0] for name in names] if classed else None
    return Examples(
        ids=names,
        texts=names,
        labels=classes if config.label else None,
        groups=classes if config.group else None,
        n_dropped=len(broken),
        source_hash=_hash(names, digests),
        kind=kind,
        contents=FileContents(chosen, FORMATS[kind].read, digests),
    )


def has_classes(folder: Path) -> bool:
    """True when images or sound stand in sub-folders."""
    return any(path.parent != folder for path in _media(folder))


def holds_media(folder: Path) -> bool:
    """True when there is an image or a sound file somewhere below the folder."""
    return any(True for _ in _media(folder))


def _media(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Files by their endings, also behind links to folders, but no folder inside itself; links that lead nowhere count too."""
    here = folder.resolve()
    if here in above:
        return
    with os.scandir(folder) as found:
        entries = [entry for entry in found if not entry.name.startswith((".", "__MACOSX"))]
    for entry in entries:
        path = folder / entry.name
        if entry.is_dir():
            yield from _media(path, (*above, here))
        elif path.suffix.lower() in ENDINGS and (entry.is_file() or not path.exists()):
            yield path


def _find(folder: Path) -> tuple[str, list[Path]]:
    files = sorted(_media(folder))
    kinds = {
        kind: [path for path in files if path.suffix.lower() in known.endings]
        for kind, known in FORMATS.items()
        if any(path.suffix.lower() in known.endings for path in files)
    }
    if not kinds:
        raise InputError(f"{folder} holds no image and no sound; their endings may be: {', '.join(ENDINGS)}.")
    if len(kinds) > 1:
        counts = " and ".join(f"{len(paths)} files of {FORMATS[kind].words}" for kind, paths in kinds.items())
        raise InputError(f"{folder} holds {counts}; give each kind a folder of its own.")
    ((kind, paths),) = kinds.items()
    beside = [path.name for path in paths if path.parent == folder]
    if beside and len(beside) < len(paths):
        raise InputError(
            f"{folder} holds {len(beside)} files ({first_of(beside, 3)}) beside its sub-folders; move them into the sub-folder "
            "of their class, or move all files into one folder."
        )
    return kind, paths


def _refuse_other_columns(config: DataConfig, folder: Path, classes: bool) -> None:
    for role in ("text", "id"):
        if getattr(config, role) is not None:
            raise UsageError(f"--{role} names a column of a table; {folder} is a folder of files. Leave it out.")
    for role in ("label", "group"):
        name = getattr(config, role)
        if name is not None and not classes:
            raise InputError(f"--{role} {name} was asked for; {folder} has no sub-folders, which would be the classes.")
        if name not in (None, CLASS):
            raise UsageError(f'a folder has no column "{name}" for --{role}.  Columns: {CLASS}')


def _readable(paths: list[Path], check: Callable[[Path], None]) -> tuple[list[Path], list[str]]:
    """The files that can be read, and what is wrong with the others."""
    good, broken = [], []
    for path in paths:
        try:
            check(path)
            good.append(path)
        except InputError as error:
            broken.append(str(error))
    return good, broken


def _hash(names: list[str], digests: list[bytes]) -> str:
    """Of names and contents of the files that are read."""
    digest = sha256()
    for name, content in zip(names, digests, strict=True):
        digest.update(f"{name} {content.decode()}\n".encode())
    return f"sha256:{digest.hexdigest()}"
