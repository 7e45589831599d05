"""Models that are larger than one device: blocks dealt over several, or read from disk when their turn comes."""

import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import torch

from dimscope.devices import find_device
from dimscope.errors import ModelError, UsageError

DISK = "disk"
SHARE = 0.9
"""Of the free memory of a device that may hold weights; what a batch needs goes beside them."""


def devices_of(name: str) -> list[str]:
    """The devices in `--device`, such as `cuda:0,cuda:1,cpu,disk`; a single one is a list of one."""
    return [word.strip() for word in name.split(",")]


def first_device(name: str) -> torch.device:
    """The first of several devices, which gets the examples, after all of them were found.

    Raises:
        UsageError: a device that is not there or stands twice, `auto` among several, or `disk` in another place than the last.
    """
    names = devices_of(name)
    if len(set(names)) < len(names) or "auto" in names or DISK in names[:-1]:
        raise UsageError(
            f"--device {name} was asked for; several devices are named one by one, each once, as in cuda:0,cuda:1,cpu,disk "
            "(disk stands last)."
        )
    found = [find_device(one) for one in names if one != DISK]
    device = found[0]
    assert isinstance(device, torch.device)
    return device


@contextmanager
def placement(name: str) -> Iterator[dict[str, Any]]:
    """Options of `from_pretrained` that deal the blocks over these devices, each filled up to `SHARE` of its free memory.

    Empty for a single device. Weights that are written to disk are removed when the loading fails, otherwise with the model.

    Raises:
        UsageError: accelerate is not installed.
    """
    if len(devices_of(name)) == 1:
        yield {}
        return
    if find_spec("accelerate") is None:
        raise UsageError(
            f"--device {name} needs accelerate, which is not installed; install it with `pip install 'dimscope[devices]'`."
        )
    folder = tempfile.mkdtemp(prefix="dimscope-weights-")
    try:
        yield {"device_map": "auto", "max_memory": room_on(devices_of(name)), "offload_folder": folder}
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def room_on(names: Sequence[str]) -> dict[int | str, int]:
    """Bytes that weights may take on each device, under the name that accelerate has for it."""
    from accelerate.utils import get_max_memory

    free = get_max_memory()
    return {key: int(SHARE * free[key]) for key in (_key(find_device(name)) for name in names if name != DISK)}


def check_placement(whole: Any, name: str, options: dict[str, Any]) -> None:
    """Nothing when every part of the model is on one of these devices.

    Raises:
        ModelError: they are too small together.
    """
    if not options:
        return
    weakref.finalize(whole, shutil.rmtree, options["offload_folder"], ignore_errors=True)
    places: dict[str, Any] = getattr(whole, "hf_device_map", {})
    left = [part for part, place in places.items() if place == DISK]
    if left and DISK not in devices_of(name):
        raise ModelError(
            f"the model does not fit into the memory of {name}: {len(left)} of its {len(places)} parts are left ({left[0]}, "
            f"...). Name more devices, or --device {name},{DISK}, which reads those from disk for each batch."
        )


def _key(device: torch.device) -> int | str:
    """The name that accelerate has for a device."""
    return (device.index or 0) if device.type == "cuda" else device.type
