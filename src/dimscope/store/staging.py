"""A run folder on another file system: a folder of this machine that is sent there file by file as it is written.

Object stores take whole objects only, while states are filled block by block. So a run works in a temporary folder, and each
file that becomes whole (`dimscope.files.watched`) is sent at once. Of states that are being filled, each finished block of rows
is sent as an object of its own, `states/blocks/NNNNNN.npz`; when they are complete the arrays are sent, and the blocks removed.

What a reader can rely on: `manifest.json` is sent after the files that it lists, and an object that it lists is taken off the
list before other bytes are sent under its name. So at no instant does a manifest there list absent or other bytes (on stores
whose objects appear whole, as S3 does). A run that died goes on from what is there; files are compared with the manifest's
hashes, blocks with their CRC-32.
"""

import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias
from zipfile import BadZipFile

import numpy as np

from dimscope.errors import DimscopeError
from dimscope.files import hash_file, watched
from dimscope.store.manifest import NAME as MANIFEST
from dimscope.store.remote import Objects, is_remote, local_of, url_of
from dimscope.store.states import PROGRESS, block_edges, open_states

Signature: TypeAlias = tuple[int, int]
"""Size and time of a file: they change when it is written again."""
OWNER = re.compile(r"((?:(?:pools|controls)/[^/]+/)*)(.*)", re.DOTALL)
"""The run folder within a run folder that a file belongs to, and its name there."""
BLOCKS = "states/blocks"
LOG = "log.jsonl"
DAMAGE = (ValueError, LookupError, TypeError, AttributeError, EOFError, BadZipFile, zlib.error)
"""What numpy, zipfile and json raise for content that is none of theirs."""
_shown: dict[Path, str] = {}


@contextmanager
def placed(place: Path, *, writes: bool = True, wanted: Callable[[str], bool] = lambda _: True) -> Iterator[Path]:
    """The folder of this machine that stands for a place: the place itself, or a temporary copy of what is at its URL.

    Args:
        place: a path or a URL.
        writes: send what is written there; objects that the finished work no longer holds are removed.
        wanted: by its name, whether a file of the run is copied here first; the others are left alone.

    Raises:
        UsageError, StoreError: see `dimscope.store.remote`; messages name the URL, not the copy.
    """
    if not is_remote(place):
        yield local_of(place)
        return
    url = url_of(place)
    with TemporaryDirectory(prefix="dimscope-") as temporary:
        folder = Path(temporary).resolve().joinpath(*url.split("/")[-2:])  # a run is called by its last names
        staging = Staging(Objects(url), folder, wanted)
        _shown[folder] = url
        try:
            staging.fetch()
            with watched(folder, staging.send) if writes else nullcontext():
                try:
                    yield folder
                except SystemExit:  # `--strict` leaves so when the work is done
                    if writes:
                        staging.finish()
                    raise
            if writes:
                staging.finish()
        except DimscopeError as error:
            raise type(error)(str(error).replace(str(folder), url)) from error
        finally:
            del _shown[folder]


def shown(path: Path) -> str:
    """The path, or the URL of what stands in the temporary folder of a place."""
    for folder, url in _shown.items():
        if path.is_relative_to(folder):
            inside = path.relative_to(folder).as_posix()
            return url if inside == "." else f"{url}/{inside}"
    return str(path)


class Staging:
    """A folder of this machine and the objects that it is sent to.

    Args:
        objects: where to.
        folder: the folder, which is made when there is something to copy.
        wanted: by its name, whether an object belongs here; the others are left alone.
    """

    def __init__(self, objects: Objects, folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> None:
        self.objects, self.folder, self._wanted = objects, folder, wanted
        self._sent: dict[str, Signature] = {}
        self._blocks: dict[str, dict[str, Any]] = {}
        self._manifests: dict[str, dict[str, Any]] = {}

    def fetch(self) -> None:
        """Copy what is there; a file that is not what the manifest says is left out, so that it is made again."""
        names = [name for name in self.objects.sizes() if self._wanted(name)]
        for name in names:
            self.objects.get(name, self.folder / name)
            self._sent[name] = _signature(self.folder / name)
        for name in names:
            with suppress(*DAMAGE):  # what cannot be read is told, or made again, by who needs it
                if _split(name)[1] == MANIFEST:
                    self._compare(name)
                elif _split(name)[1] == f"states/{PROGRESS}":
                    self._restore(name)

    def send(self, path: Path) -> None:
        """Send a file that has just become whole; of a manifest first the files that it lists."""
        name = path.relative_to(self.folder).as_posix()
        owner, inside = _split(name)
        if inside == MANIFEST:
            self._send_manifest(owner)
        elif inside == f"states/{PROGRESS}":
            self._send_blocks(owner)
        else:
            self._send_file(name)

    def finish(self) -> None:
        """Send the logs, and remove what the folder no longer holds."""
        for path in self.folder.rglob(LOG):
            self._send_file(path.relative_to(self.folder).as_posix())
        names = filter(self._wanted, self.objects.sizes())
        self.objects.remove(name for name in names if not (self.folder / name).is_file())

    def _send_file(self, name: str) -> None:
        path = self.folder / name
        if self._sent.get(name) != _signature(path):
            self._take_off(*_split(name))
            self.objects.put(path, name)
            self._sent[name] = _signature(path)

    def _send_manifest(self, owner: str) -> None:
        content = json.loads((self.folder / owner / MANIFEST).read_text(encoding="utf-8"))
        listed = _with_files(content, lambda inside: self._is_there(f"{owner}{inside}"))
        for inside in listed.get("hashes", {}):
            if self._wanted(f"{owner}{inside}"):
                self._send_file(f"{owner}{inside}")
        self._put_manifest(owner, listed)
        if "extract" in listed.get("stages", {}) and owner in self._blocks:
            self.objects.remove(_block_name(owner, number) for number in self._blocks.pop(owner))

    def _is_there(self, name: str) -> bool:
        return not self._wanted(name) or (self.folder / name).is_file()

    def _put_manifest(self, owner: str, content: dict[str, Any]) -> None:
        text = json.dumps(content, indent=2, sort_keys=True) + "\n"
        self.objects.put_bytes(text.encode(), f"{owner}{MANIFEST}")
        self._manifests[owner] = content

    def _take_off(self, owner: str, inside: str) -> None:
        """Send the manifest without a file whose bytes will change."""
        content = self._manifests.get(owner, {})
        if inside in content.get("hashes", {}):
            self._put_manifest(owner, _with_files(content, lambda name: name != inside))

    def _send_blocks(self, owner: str) -> None:
        """The blocks of rows that were finished since the last call, and then the list of them."""
        states = self.folder / owner / "states"
        record = json.loads((states / PROGRESS).read_text(encoding="utf-8"))
        sent, edges = self._blocks.setdefault(owner, {}), block_edges(record["n_rows"], record["block"])
        for number, sums in record["done"].items():
            if sent.get(number) != sums:
                start, stop = edges[int(number)]
                rows: dict[str, Any] = {name: open_states(states / f"{name}.npy")[start:stop] for name in sums}
                content = BytesIO()
                np.savez(content, **rows)
                self.objects.put_bytes(content.getvalue(), _block_name(owner, number))
                sent[number] = sums
        self._send_file(f"{owner}states/{PROGRESS}")

    def _compare(self, name: str) -> None:
        owner, _ = _split(name)
        content = json.loads((self.folder / name).read_text(encoding="utf-8"))
        hashes = dict(content.get("hashes", {}))
        self._manifests[owner] = content
        for inside, expected in hashes.items():
            path = self.folder / owner / inside
            if path.is_file() and hash_file(path) != expected:
                path.unlink()
                self._sent.pop(f"{owner}{inside}")

    def _restore(self, name: str) -> None:
        """The arrays of states that were being filled, from their blocks; what is damaged there is found by its CRC-32."""
        owner, _ = _split(name)
        states = self.folder / owner / "states"
        record = json.loads((states / PROGRESS).read_text(encoding="utf-8"))
        edges = block_edges(record["n_rows"], record["block"])
        for number, sums in record["done"].items():
            path = self.folder / _block_name(owner, number)
            if path.is_file():
                with suppress(*DAMAGE):
                    _fill(states, path, record["n_rows"], *edges[int(number)])
                    self._blocks.setdefault(owner, {})[number] = sums
                path.unlink()


def _fill(states: Path, block: Path, n_rows: int, start: int, stop: int) -> None:
    with np.load(block, allow_pickle=False) as layers:
        for name, rows in layers.items():
            path = states / f"{name}.npy"
            mode = "r+" if path.is_file() else "w+"
            shape = (n_rows, rows.shape[1])
            array = np.lib.format.open_memmap(path, mode=mode, dtype=rows.dtype, shape=shape)
            array[start:stop] = rows
            array.flush()


def _split(name: str) -> tuple[str, str]:
    found = OWNER.fullmatch(name)
    assert found is not None
    return found[1], found[2]


def _block_name(owner: str, number: str) -> str:
    return f"{owner}{BLOCKS}/{int(number):06d}.npz"


def _signature(path: Path) -> Signature:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns


def _with_files(content: dict[str, Any], keeps: Callable[[str], bool]) -> dict[str, Any]:
    """The manifest with the stages all of whose files are kept, and with their hashes alone."""
    stages = {name: stage for name, stage in content.get("stages", {}).items() if all(map(keeps, stage.get("files", {})))}
    files = {name for stage in stages.values() for name in stage.get("files", {})}
    hashes = {name: value for name, value in content.get("hashes", {}).items() if name in files}
    return {**content, "stages": stages, "hashes": hashes}
