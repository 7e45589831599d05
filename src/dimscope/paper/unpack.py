"""Archives of strangers, unpacked so that nothing leaves the folder and nothing explodes."""

import stat
import zlib
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from dimscope.errors import InputError
from dimscope.files import atomic_path
from dimscope.paper.download import counting
from dimscope.paper.space import require_space
from dimscope.progress import Progress, Silent
from dimscope.sizes import size_text

MOST_FILES = 10_000
MOST_BYTES = 50 << 30
MOST_RATIO = 1000
"""A deflate stream cannot shrink by more than 1032; arrays of numbers shrink by 1.1 to 20."""
CHUNK = 1 << 20


def unpack(archive: Path, to: Path, progress: Progress | None = None) -> list[Path]:
    """Write the files of a zip archive into a folder, each whole or not at all; a leading folder `data` is left out.

    Every name, and the room on the disk, is checked before the first byte is written.

    Raises:
        InputError: no zip archive, a damaged or encrypted one, a name that leaves the folder, a link, two files of one name, or
            more files or bytes than the paper's archives can hold.
        StoreError: the disk has no room for them, is full or not writable.
    """
    try:
        with ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            places = _places(archive, members, to)
            n_bytes = sum(member.file_size for member in members)
            require_space(to, n_bytes, f"the files of {archive.name}")
            with counting(progress or Silent(), archive.name, n_bytes) as count:
                for member, place in zip(members, places, strict=True):
                    _write(opened, member, place)
                    count(member.file_size)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{archive} is damaged or no zip archive ({error}). Get it again.") from None
    return places


def names_in(archive: Path) -> list[str]:
    """Names of the files in a zip archive, without folders.

    Raises:
        InputError: there is none, or it is damaged.
    """
    if not archive.is_file():
        raise InputError(f"{archive} does not exist (looked in {Path.cwd()}).")
    try:
        with ZipFile(archive) as opened:
            return [PurePosixPath(member.filename).name for member in opened.infolist() if not member.is_dir()]
    except (BadZipFile, NotImplementedError, OSError) as error:
        raise InputError(f"{archive} is damaged or no zip archive ({error}). Get it again.") from None


def _places(archive: Path, members: list[ZipInfo], to: Path) -> list[Path]:
    n_bytes = sum(member.file_size for member in members)
    if len(members) > MOST_FILES or n_bytes > MOST_BYTES:
        raise InputError(f"{archive} holds {len(members)} files of {size_text(n_bytes)}; it was not unpacked.")
    places = [_place(archive, member, to) for member in members]
    if len(set(places)) < len(places):
        raise InputError(f"{archive} holds two files of the same name; it was not unpacked.")
    return places


def _place(archive: Path, member: ZipInfo, to: Path) -> Path:
    name = PurePosixPath(member.filename.replace("\\", "/"))
    parts = name.parts[1:] if name.parts[:1] == ("data",) else name.parts
    fault = ""
    if name.is_absolute() or not parts or any(part == ".." or ":" in part for part in parts):
        fault = "would leave the folder"
    elif stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        fault = "is a link or a device"
    elif member.flag_bits & 1:
        fault = "is encrypted"
    elif member.file_size > MOST_RATIO * max(1, member.compress_size):
        fault = f"would grow from {member.compress_size} to {member.file_size} bytes"
    if fault:
        raise InputError(f'{archive}: "{member.filename}" {fault}; nothing was unpacked.')
    return to.joinpath(*parts)


def _write(opened: ZipFile, member: ZipInfo, place: Path) -> None:
    with atomic_path(place) as temporary, opened.open(member) as source, temporary.open("wb") as target:
        written = 0
        while block := source.read(CHUNK):
            written += len(block)
            if written > member.file_size:
                raise BadZipFile(f'"{member.filename}" is longer than it says')
            target.write(block)
        if written < member.file_size:
            raise BadZipFile(f'"{member.filename}" is shorter than it says')
