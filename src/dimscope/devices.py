"""Devices that PyTorch computes on."""

from typing import Any

from dimscope.errors import UsageError


def choose_device(name: str) -> Any:
    """The device of that name; `auto` takes a CUDA GPU when PyTorch sees one, otherwise the CPU.

    Raises:
        UsageError: unknown or absent device.
    """
    import torch

    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return find_device(name)


def find_device(name: str) -> Any:
    """The `torch.device` of that name, after a number was put there and read back.

    Raises:
        UsageError: several devices, or an unknown or absent one; the message lists those that are there.
    """
    import torch

    if "," in name:
        raise UsageError(
            f'device "{name}" was asked for; this is computed on one device. Models that are read may lie on several '
            "(docs/extraction.md)."
        )
    try:
        device = torch.device(name)
        torch.empty(1, device=device).cpu()  # `meta` can make a tensor, but holds no numbers
    except (RuntimeError, AssertionError, NotImplementedError):
        seen = ["cpu", *(f"cuda:{number}" for number in range(torch.cuda.device_count()))]
        raise UsageError(f'device "{name}" was asked for; PyTorch {torch.__version__} sees: {", ".join(seen)}.') from None
    return device
