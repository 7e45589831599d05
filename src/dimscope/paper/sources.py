"""What the paper's workflow fetches, from where, and how large it is."""

from collections.abc import Sequence
from pathlib import Path

from dimscope.errors import UsageError
from dimscope.paper.download import Remote, download, read_record, write_record
from dimscope.paper.space import require_space
from dimscope.paper.unpack import unpack
from dimscope.progress import Progress

ARCHIVES = (
    Remote("data_transf_repr_image.zip", "https://figshare.com/ndownloader/files/40694132"),
    Remote("data_transf_repr_protein.zip", "https://figshare.com/ndownloader/articles/23137958/versions/1"),
)
"""Ratios, indices and labels of iGPT; curves of ESM-2. Valeriani et al. 2023, figshare."""
OPENAI = "https://openaipublic.blob.core.windows.net/image-gpt"
SHARDS = {"s": 32, "m": 32, "l": 64}
STEPS = ("131000", "262000", "524000", "1000000")
CLUSTERS = "kmeans_centers.npy"
MODEL_BYTES = {"s": 894_000_000, "m": 5_200_000_000, "l": 15_500_000_000}
"""One checkpoint, with the state of its optimiser."""
DATASET_BYTES = {"imagenet": 11_000_000_000, "cifar10": 500_000_000}


def fetch_archives(to: Path, mirror: str | None = None, progress: Progress | None = None) -> list[Path]:
    """Bring both archives and unpack them into `<to>/data`; the archives are removed. A second call does nothing.

    Args:
        to: results folder.
        mirror: folder or address that holds both archives by name, or one archive.
        progress: receives the bytes.

    Raises:
        InputError, StoreError: see `download` and `unpack`.
    """
    data = to / "data"
    for archive in ARCHIVES:
        known = read_record(data).get(archive.name, {})
        if known.get("files") and all((data / name).is_file() for name in known["files"]):
            continue
        remote = Remote(archive.name, _mirrored(archive.url, archive.name, mirror))
        if mirror and mirror.endswith(".zip") and not mirror.endswith(archive.name):
            continue
        path = download([remote], to, progress=progress)[0]
        facts = read_record(to)[archive.name]
        places = unpack(path, data)
        write_record(data, archive.name, facts | {"files": [str(place.relative_to(data)) for place in places]})
        path.unlink()
    return sorted(data.glob("*.npy"))


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
    return download(
        [Remote(remote.name, _mirrored(remote.url, remote.name, mirror)) for remote in remotes], to, progress=progress
    )
