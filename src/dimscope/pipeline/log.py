"""log.jsonl: one JSON object per event, appended."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dimscope.files import explained_disk_errors


def log_event(path: Path, event: str, **facts: Any) -> None:
    """Append one event with the time (UTC, ISO 8601)."""
    record = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **facts}
    with explained_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(record, default=str, ensure_ascii=False) + "\n")
