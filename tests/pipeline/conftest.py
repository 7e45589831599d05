"""A small run over tiny models."""

from pathlib import Path
from typing import Any

import pytest

from dimscope.config import RunConfig, config_from
from dimscope.pipeline import extract


@pytest.fixture
def small(texts: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes configurations of a run over 60 texts, `small(model, data={...}, measure={...})`; blocks hold 16 rows."""
    monkeypatch.setattr(extract, "BLOCK_ROWS", 16)

    def make(folder: Path, data: Any = None, measure: Any = None, **model: Any) -> RunConfig:
        return config_from(
            {
                "data": {"path": str(texts), "text": "text", "label": "label", "id": "id", **(data or {})},
                "model": {"name": str(folder), **model},
                "measure": {"k": 20, "overlap_k": 10, "replicates": 10, **(measure or {})},
            }
        )

    return make
