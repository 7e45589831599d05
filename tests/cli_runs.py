"""What the tests of the command line share."""

from pathlib import Path

SMALL = ("--k", "20", "--overlap-k", "10", "--replicates", "10")
"""Options under which 60 texts are enough."""


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
