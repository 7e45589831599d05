"""What an embedded case hands over to the main job."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from dimscope.config import RunConfig
from dimscope.errors import InputError


@dataclass(frozen=True)
class PreparedDemo:
    """A case whose data file is written and whose model is on disk.

    Attributes:
        title: one line that says what is measured.
        config: the configuration of the run.
        command: the same as a call of `dimscope run`, without -o.
        credits: who made model and data, and under which licence.
    """

    title: str
    config: RunConfig
    command: str
    credits: tuple[str, ...]


def package_folder(package: str, folder: str, extra: str, command: str = "") -> Path:
    """A folder inside an installed package, found without importing the package.

    Raises:
        InputError: the package is not installed, or holds no such folder; names the extra that brings it, or the command.
    """
    try:
        place = Path(str(distribution(package).locate_file(folder)))
    except PackageNotFoundError:
        how = command or f"pip install 'dimscope[{extra}]'"
        raise InputError(f"the package {package} of this demo is not installed. Install it with: {how}") from None
    if not place.is_dir():
        raise InputError(f"the installed package {package} holds no folder {folder}; install it again.")
    return place


def table_text(rows: Iterable[Sequence[str]], columns: Sequence[str] = ("id", "text", "label")) -> str:
    """Rows of these columns as CSV with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
