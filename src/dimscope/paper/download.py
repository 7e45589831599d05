"""Files from the network: resumed, checked, recorded, and never half there."""

import base64
import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from dimscope.errors import InputError
from dimscope.files import explained_disk_errors, hash_file, sync_folder, write_text
from dimscope.paper.space import require_space
from dimscope.progress import Progress, Silent

WEB = ("http://", "https://")
RECORD = "downloads.json"
"""In each folder: name -> where a file came from, its size and its SHA-256."""
CHUNK = 1 << 20
ATTEMPTS = 5
"""Tries in a row that brought no further byte before a transfer is given up."""
SECONDS = 30.0
"""How long the host may be silent."""
CHANGED = (200, 416)
"""Answers to a request for the rest of a file that say: begin anew."""


@dataclass(frozen=True)
class Remote:
    """One file: its name here, and its address (http, https) or path."""

    name: str
    url: str


def download(remotes: Sequence[Remote], to: Path, *, progress: Progress | None = None, seconds: float = SECONDS) -> list[Path]:
    """Bring the files into the folder; what is there and as recorded is left alone, what was begun goes on.

    A size and a Content-MD5 that the host publishes are compared, a .npy file must be as long as its header says, and size and
    SHA-256 are recorded in `downloads.json`. A file that somebody put there by hand is checked and recorded, not fetched.

    Raises:
        InputError: the host cannot be reached, refuses, stalls, breaks off again and again, or sent a wrong file.
        StoreError: the disk is full or not writable.
    """
    progress = progress or Silent()
    with explained_disk_errors(to):
        to.mkdir(parents=True, exist_ok=True)
    for remote in remotes:
        path = to / remote.name
        if _is_recorded(path):
            continue
        if not path.exists():
            _bring(remote, path, progress, seconds)
        _refuse_wrong_array(path)
        _note(path, remote.url)
    return [to / remote.name for remote in remotes]


@contextmanager
def counting(progress: Progress, name: str, n_bytes: int | None) -> Iterator[Callable[[int], None]]:
    """A stage that counts megabytes; receives the bytes of each step. Nothing is counted when the whole is not known."""
    megabytes = done = 0
    if n_bytes is None:
        progress.message(f"{name}: the host does not say how long it is")
        yield lambda _: None
        return
    with progress.stage(f"{name} (MB)", max(1, -(-n_bytes // CHUNK))) as task:

        def count(step: int) -> None:
            nonlocal megabytes, done
            done += step
            now = -(-done // CHUNK) if done >= n_bytes else done // CHUNK
            task.advance(now - megabytes)
            megabytes = now

        yield count


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a folder; empty when there is none, or when it is damaged."""
    try:
        found = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_record(folder: Path, name: str, facts: dict[str, Any]) -> None:
    """Add one entry to the record."""
    write_text(folder / RECORD, json.dumps(read_record(folder) | {name: facts}, indent=1, sort_keys=True))


def _is_recorded(path: Path) -> bool:
    facts = read_record(path.parent).get(path.name)
    return isinstance(facts, dict) and path.is_file() and path.stat().st_size == facts.get("bytes")


def _note(path: Path, url: str) -> None:
    write_record(path.parent, path.name, {"url": url, "bytes": path.stat().st_size, "sha256": hash_file(path)[7:]})


def _bring(remote: Remote, path: Path, progress: Progress, seconds: float) -> None:
    part = path.with_name(f".{path.name}.part")
    if not remote.url.startswith(WEB):
        _copy(Path(remote.url), part, progress)
    else:
        _fetch(remote, part, progress, seconds)
    with explained_disk_errors(path):
        part.replace(path)
        part.with_suffix(".tag").unlink(missing_ok=True)
        sync_folder(path.parent)


def _copy(source: Path, part: Path, progress: Progress) -> None:
    if not source.is_file():
        raise InputError(f"{source} does not exist (looked in {Path.cwd()}).")
    n_bytes = source.stat().st_size
    require_space(part.parent, n_bytes, source.name)
    with (
        explained_disk_errors(part),
        counting(progress, source.name, n_bytes) as count,
        source.open("rb") as handle,
        part.open("wb") as target,
    ):
        while block := handle.read(CHUNK):
            target.write(block)
            count(len(block))


def _fetch(remote: Remote, part: Path, progress: Progress, seconds: float) -> None:
    failures, most = 0, _size(part)
    while failures < ATTEMPTS:
        try:
            if _attempt(remote, part, progress, seconds):
                return
            reason = "the transfer broke off"
        except urllib.error.HTTPError as error:
            if error.code < 500:
                reason = " ".join(str(error.reason).split()).rstrip(".")  # that of a redirection without end has several lines
                raise InputError(f"{remote.url} was refused: {error.code} {reason}. {_by_hand(remote, part)}") from None
            reason = f"{error.code} {error.reason}"
        except (urllib.error.URLError, HTTPException, TimeoutError, ConnectionError) as error:
            reason = str(getattr(error, "reason", error)) or type(error).__name__
            if isinstance(error, urllib.error.URLError) and not _size(part):
                failures = ATTEMPTS  # the host was never reached
        failures = 0 if _size(part) > most else failures + 1
        most = max(most, _size(part))  # a host that lets us begin anew again and again brings nothing
    raise InputError(
        f"{remote.url} cannot be fetched ({reason}); {_size(part)} bytes are kept and the same command goes on from there. "
        f"{_by_hand(remote, part)}"
    )


def _by_hand(remote: Remote, part: Path) -> str:
    return f"Or put {remote.name} into {part.parent} by hand, or name a mirror with --from."


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _attempt(remote: Remote, part: Path, progress: Progress, seconds: float) -> bool:
    """One request for what is missing; True when the file is complete and as the host described it."""
    tag = part.with_suffix(".tag")
    start = _size(part) if tag.is_file() else 0
    request = urllib.request.Request(remote.url, headers={"User-Agent": "dimscope", "Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", tag.read_text(encoding="utf-8"))
    try:
        with urllib.request.urlopen(request, timeout=seconds) as answer:
            start = start if answer.status == 206 and _starts_at(answer, start) else 0
            total = _total(answer, start)
            require_space(part.parent, (total or start) - start, remote.name)
            with explained_disk_errors(part):
                _write_tag(tag, answer)
            with counting(progress, remote.name, total) as count:
                count(start)
                _receive(answer, part, start, count)
            return _is_complete(remote, part, total, answer.headers.get("Content-MD5"))
    except urllib.error.HTTPError as error:
        if error.code not in CHANGED:
            raise
        part.unlink(missing_ok=True)  # what was begun is no part of the file as it is now
        tag.unlink(missing_ok=True)
        return False


def _starts_at(answer: Any, start: int) -> bool:
    return str(answer.headers.get("Content-Range", "")).startswith(f"bytes {start}-")


def _total(answer: Any, start: int) -> int | None:
    span = str(answer.headers.get("Content-Range", "")).rpartition("/")[2]
    if start and span.isdecimal():
        return int(span)
    length = str(answer.headers.get("Content-Length", ""))
    return start + int(length) if length.isdecimal() else None


def _write_tag(tag: Path, answer: Any) -> None:
    """What proves that a later answer is of the same file; without it a transfer cannot go on."""
    mark = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
    if mark and not mark.startswith("W/"):
        tag.write_text(mark, encoding="utf-8")
    else:
        tag.unlink(missing_ok=True)


def _receive(answer: Any, part: Path, start: int, count: Callable[[int], None]) -> None:
    with explained_disk_errors(part), part.open("r+b" if start else "wb") as handle:
        handle.seek(start)
        handle.truncate()
        while block := answer.read1(CHUNK):  # what has come is kept, even when the host then stalls
            handle.write(block)
            count(len(block))
        handle.flush()
        os.fsync(handle.fileno())


def _is_complete(remote: Remote, part: Path, total: int | None, md5: str | None) -> bool:
    if total is not None and _size(part) < total:
        return False
    wrong = f"it has {_size(part)} bytes, {total} were announced" if total is not None and _size(part) > total else ""
    if md5:
        with part.open("rb") as handle:
            found = base64.b64encode(hashlib.file_digest(handle, "md5").digest()).decode()
        wrong = wrong or ("its MD5 is not the one that the host publishes" if found != md5 else "")
    if wrong:
        part.unlink()
        part.with_suffix(".tag").unlink(missing_ok=True)
        raise InputError(f"{remote.url} sent a wrong file: {wrong}. Nothing was kept; try again, or name a mirror with --from.")
    return True


def _refuse_wrong_array(path: Path) -> None:
    """A .npy file must be exactly as long as its header says; a wrong one is removed."""
    if path.suffix != ".npy":
        return
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        expected = array.offset + array.nbytes
        if path.stat().st_size == expected:
            return
        reason = f"its header announces {expected} bytes, it has {path.stat().st_size}"
    except (ValueError, EOFError, OSError) as error:
        reason = str(error)
    path.unlink()
    raise InputError(
        f"{path.name} is no whole numpy array ({reason}) and was removed; fetch it again, or name a mirror with --from."
    )
