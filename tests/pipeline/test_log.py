"""log.jsonl: one JSON object per event, appended."""

import errno
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dimscope.errors import StoreError
from dimscope.pipeline.log import log_event


def test_events_are_appended_as_lines_of_json(tmp_path):
    path = tmp_path / "run" / "log.jsonl"
    log_event(path, "extract", examples=3, model={"name": "größe\n"})
    log_event(path, "done", place=Path("a/b"))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [{name: value for name, value in line.items() if name != "time"} for line in lines] == [
        {"event": "extract", "examples": 3, "model": {"name": "größe\n"}},
        {"event": "done", "place": "a/b"},
    ]
    for line in lines:
        age = datetime.now(UTC) - datetime.fromisoformat(line["time"])
        assert timedelta(0) - timedelta(seconds=1) < age < timedelta(minutes=1)


def test_a_full_disk_is_explained(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StoreError, match=r"the disk is full while writing .*log\.jsonl"):
        log_event(tmp_path / "log.jsonl", "extract")


def test_a_folder_that_cannot_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"log\.jsonl cannot be written \(.*\); choose another folder with -o"):
        log_event(tmp_path / "file" / "log.jsonl", "extract")
