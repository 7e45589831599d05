"""Models in one GGUF file, which transformers unpacks to the arithmetic that is asked for."""

from importlib.util import find_spec
from pathlib import Path

from dimscope.errors import ModelError, first_of

PACKAGES = ("gguf", "accelerate")
"""What transformers needs to read such files."""


def gguf_file(name: str) -> Path | None:
    """The GGUF file that a model name means: that file, or the only one in a folder without a config.json; None for others.

    Raises:
        ModelError: a folder with several, or the packages that read them are not installed.
    """
    place = Path(name).expanduser()
    if place.is_dir() and not (place / "config.json").is_file():
        found = sorted(place.glob("*.gguf"))
        if len(found) > 1:
            raise ModelError(
                f"{place} holds {len(found)} GGUF files ({first_of(file.name for file in found)}); give the path of one."
            )
        place = found[0] if found else place
    if place.suffix != ".gguf" or not place.is_file():
        return None
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise ModelError(
            f"{place} needs the packages {' and '.join(missing)} to be read; install them with `pip install 'dimscope[gguf]'`."
        )
    return place
