"""What the paper's workflow fetches, from where, and how large it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dimscope.errors import InputError, UsageError
from dimscope.files import hash_file
from dimscope.paper.download import WEB, Remote, download, read_record, write_record
from dimscope.paper.space import require_space
from dimscope.paper.unpack import names_in, unpack
from dimscope.progress import Progress


@dataclass(frozen=True)
class Archive:
    """One archive of the paper's arrays.

    Attributes:
        name, url: of the file.
        arrays: a name with this start is in no other archive.
        holds: what it holds, for messages.
    """

    name: str
    url: str
    arrays: str
    holds: str


ARCHIVES = (
    Archive(
        "data_transf_repr_image.zip", "https://figshare.com/ndownloader/files/40694132", "imagenet_train_",
        "ratios, indices and labels of iGPT",
    ),
    Archive(
        "data_transf_repr_protein.zip", "https://figshare.com/ndownloader/articles/23137958/versions/1", "id-esm2-",
        "curves of ESM-2",
    ),
)  # fmt: skip
"""Valeriani et al. 2023, figshare."""
OPENAI = "https://openaipublic.blob.core.windows.net/image-gpt"
SHARDS = {"s": 32, "m": 32, "l": 64}
STEPS = ("131000", "262000", "524000", "1000000")
CLUSTERS = "kmeans_centers.npy"
MODEL_BYTES = {"s": 894_000_000, "m": 5_200_000_000, "l": 15_500_000_000}
"""One checkpoint, with the state of its optimiser."""
DATASET_BYTES = {"imagenet": 11_000_000_000, "cifar10": 500_000_000}


def fetch_archives(to: Path, mirror: str | None = None, progress: Progress | None = None) -> list[Path]:
    """Bring both archives and unpack them into `<to>/data`; what was downloaded is removed. A second call does nothing.

    Args:
        to: results folder.
        mirror: folder or address that holds both archives by name; or one archive: a local one may have any name.
        progress: receives the bytes.

    Returns:
        The arrays in `<to>/data`.

    Raises:
        InputError, StoreError: see `download` and `unpack`.
        UsageError: an address of one archive under another name.
    """
    given = _archives_in(mirror) if mirror and mirror.endswith(".zip") else ARCHIVES
    wanted = [archive for archive in given if not is_there(archive, to)]
    for place, archive in enumerate(wanted, 1):
        try:
            _bring(archive, to, mirror, progress)
        except InputError as error:
            rest = "".join(f" {other.name} ({other.holds}) is not there yet, either." for other in wanted[place:])
            raise InputError(f"{error}{rest}") from None
    return sorted((to / "data").glob("*.npy"))


def is_there(archive: Archive, to: Path) -> bool:
    """True when every file of the archive stands in `<to>/data`."""
    files = read_record(to / "data").get(archive.name, {}).get("files")
    return bool(files) and all((to / "data" / name).is_file() for name in files)


def _archives_in(place: str) -> Sequence[Archive]:
    """The archives that a .zip file is, by its name, or by what a local one holds."""
    by_name = [archive for archive in ARCHIVES if place.endswith(archive.name)]
    if by_name:
        return by_name
    if place.startswith(WEB):
        known = " or ".join(archive.name for archive in ARCHIVES)
        raise UsageError(f"--from {place}: an address ends in {known}, so that it is clear what it holds.")
    found = [archive for archive in ARCHIVES if _holds(archive, names_in(Path(place)))]
    if not found:
        raise _foreign(Path(place), ARCHIVES)
    return found


def _holds(archive: Archive, names: Sequence[str]) -> bool:
    return any(name.startswith(archive.arrays) for name in names)


def _foreign(path: Path, expected: Sequence[Archive]) -> InputError:
    wanted = " or ".join(f"{archive.arrays}*.npy" for archive in expected)
    return InputError(
        f"{path} holds {len(names_in(path))} files, none of them {wanted}; it is no archive of the paper's arrays."
    )


def _bring(archive: Archive, to: Path, mirror: str | None, progress: Progress | None) -> None:
    place = _place_of(archive, mirror)
    if not place.startswith(WEB):
        _unpack(archive, to, Path(place), place, progress)
        return
    path = download([Remote(archive.name, place)], to, progress=progress)[0]
    try:
        _unpack(archive, to, path, place, progress)
    except InputError:
        path.unlink()  # so that the next call fetches it anew
        raise
    path.unlink()


def _unpack(archive: Archive, to: Path, path: Path, place: str, progress: Progress | None) -> None:
    """Unpack and record one archive, which came from `place`."""
    data = to / "data"
    if not _holds(archive, names_in(path)):
        raise _foreign(path, [archive])
    places = unpack(path, data, progress)
    files = [str(file.relative_to(data)) for file in places]
    facts = {"url": place, "bytes": path.stat().st_size, "sha256": hash_file(path)[7:], "files": files}
    write_record(data, archive.name, facts)


def _place_of(archive: Archive, mirror: str | None) -> str:
    """Where to take an archive from: an address or a path."""
    return mirror if mirror and mirror.endswith(".zip") else _mirrored(archive.url, archive.name, mirror)


def _mirrored(url: str, name: str, mirror: str | None) -> str:
    if mirror is None:
        return url
    return mirror if mirror.endswith(name) else f"{mirror.rstrip('/')}/{name}"


def igpt_files(model: str | None, step: str | None, dataset: str | None, *, clusters: bool, bert: bool) -> list[Remote]:
    """The files of a checkpoint, of the colour clusters and of a data set, at OpenAI.

    Raises:
        UsageError: a model without a step or a step without a model, or nothing at all.
    """
    if (model is None) != (step is None):
        raise UsageError(f"--model {model or 'none'} and --ckpt {step or 'none'}: a checkpoint is named by both.")
    addresses = []
    if model and step:
        folder = f"{OPENAI}/checkpoints/igpt-{model}{'-bert' * bert}/{step}/model.ckpt-{step}"
        ends = [f"data-{shard:05d}-of-{SHARDS[model]:05d}" for shard in range(SHARDS[model])]
        addresses += [f"{folder}.{end}" for end in (*ends, "index", "meta")]
    if clusters:
        addresses.append(f"{OPENAI}/color-clusters/{CLUSTERS}")
    if dataset:
        addresses += [f"{OPENAI}/datasets/{dataset}_{split}{kind}.npy" for split in ("tr", "va", "te") for kind in "XY"]
    if not addresses:
        raise UsageError("nothing was asked for; give --model with --ckpt, --clusters or --dataset.")
    return [Remote(address.rpartition("/")[2], address) for address in addresses]


def fetch_igpt(
    remotes: Sequence[Remote], to: Path, n_bytes: int, mirror: str | None = None, progress: Progress | None = None
) -> list[Path]:
    """Bring these files, when the disk has room for what is missing.

    Args:
        remotes: from `igpt_files`.
        to: folder.
        n_bytes: how much they are together.
        mirror: folder or address that holds the files by name.
        progress: receives the bytes.

    Raises:
        InputError, StoreError: see `download`.
    """
    names = {remote.name for remote in remotes} | {f".{remote.name}.part" for remote in remotes}
    there = sum(path.stat().st_size for path in to.iterdir() if path.name in names) if to.is_dir() else 0
    missing = [remote for remote in remotes if not (to / remote.name).is_file()]
    if missing:
        require_space(to, max(0, n_bytes - there), f"{len(missing)} files")
    places = [Remote(remote.name, _mirrored(remote.url, remote.name, mirror)) for remote in remotes]
    try:
        return download(places, to, progress=progress)
    except InputError as error:
        rest = [remote.name for remote in missing if not (to / remote.name).is_file()]
        if len(rest) < 2:
            raise
        raise InputError(f"{error} Of this call {len(rest)} files are not there yet, {rest[0]} to {rest[-1]}.") from None
