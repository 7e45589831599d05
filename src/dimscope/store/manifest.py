"""manifest.json: what made the results, and which stages are finished.

MUST hold `schema` (integer) and `dimscope` (version). MAY hold `model`, `data`, `environment` (plain facts), `stages` (name ->
key, seconds, files), `hashes` (file -> sha256), `command` and `later` (commands). Unknown entries are kept.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dimscope.errors import StoreError
from dimscope.files import hash_file, write_text

SCHEMA = 1
NAME = "manifest.json"


class Manifest:
    """The manifest of one run folder; every change is written at once, atomically."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self.content: dict[str, Any] = {"schema": SCHEMA}
        if self.path.exists():
            self.content = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self.path.read_text(encoding="utf-8"))
        except (ValueError, OSError):
            raise StoreError(f"{self.path} is damaged; choose --on-existing redo to start over.") from None
        if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
            raise StoreError(f"{self.path} is not a dimscope manifest.")
        if not all(isinstance(content.get(name, {}), dict) for name in ("stages", "hashes")):
            raise StoreError(f"{self.path} is damaged; choose --on-existing redo to start over.")
        if content["schema"] > SCHEMA:
            raise StoreError(
                f"{self.path} has schema {content['schema']}, this dimscope reads up to {SCHEMA}; update dimscope."
            )
        return content

    def write(self, **entries: Any) -> None:
        """Set top-level entries."""
        self.content.update(entries)
        write_text(self.path, json.dumps(self.content, indent=2, sort_keys=True, default=str) + "\n")

    def note_later(self, command: str) -> None:
        """Record a command that went on with the run in `later`; nothing without one, or where it is the last one already."""
        later = self.content.get("later", [])
        if command and command != [self.content.get("command"), *later][-1]:
            self.write(later=[*later, command])

    def is_stage_done(self, stage: str, key: str) -> bool:
        """True when the stage finished with this key and its files are still there unchanged in size."""
        record = self.content.get("stages", {}).get(stage, {})
        folder = self.path.parent
        return record.get("key") == key and all(
            (folder / name).is_file() and (folder / name).stat().st_size == size
            for name, size in record.get("files", {}).items()
        )

    def finish_stage(self, stage: str, key: str, seconds: float, files: Iterable[Path]) -> None:
        """List a stage as finished, with the size and hash of each of its files."""
        folder = self.path.parent
        names = {path.relative_to(folder).as_posix(): path for path in files}
        hashes: Mapping[str, str] = {
            **self.content.get("hashes", {}),
            **{name: hash_file(path) for name, path in names.items()},
        }
        record = {"key": key, "seconds": round(seconds, 3), "files": {n: p.stat().st_size for n, p in names.items()}}
        self.write(stages={**self.content.get("stages", {}), stage: record}, hashes=hashes)

    def damaged_files(self) -> list[str]:
        """Files whose content no longer has the recorded hash, or that are gone."""
        folder = self.path.parent
        hashes: dict[str, str] = self.content.get("hashes", {})
        return [
            name for name, expected in hashes.items()
            if not (folder / name).is_file() or hash_file(folder / name) != expected
        ]  # fmt: skip
