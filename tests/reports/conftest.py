"""Profiles with a full provenance, and the pages made of them."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from dimscope import neighbors
from dimscope.profile import Profile
from dimscope.reports import Report, report
from dimscope.reports.neighborhoods import Neighborhoods, read_neighborhoods
from dimscope.store.folder import RunFolder
from dimscope.store.tables import write_table

HOSTILE = "<script>alert(1)</script>\"'&amp;$x_1^2$ \N{GRINNING FACE} \N{ARABIC LETTER ALEF}</script></style></title>"
PROVENANCE: dict[str, Any] = {
    "command": "dimscope run org/model-a --data texts.csv --label 'my topic' --seed 3",
    "dimscope": "0.1.0",
    "created": "2026-01-02T03:04:05+00:00",
    "seed": 3,
    "model": {
        "name": "org/model-a", "class": "BertModel", "model_type": "bert", "is_causal": False, "parameters": 22713216,
        "weights_hash": "sha256:53aa", "max_tokens": 512, "dtype": "float32", "device": "cpu", "pool": "mean",
        "special_tokens": "exclude", "n_layers": 12,
    },
    "data": {
        "path": "data/texts.csv", "hash": "sha256:9b74", "n_examples": 3000, "n_truncated": 12, "n_dropped": 4,
        "n_duplicate_texts": 2, "n_label_conflicts": 1, "n_labels": 15, "text": "gloss", "label": "field",
    },
    "measure": {"k": 100, "overlap_k": 30, "estimators": ["twonn", "gride"], "replicates": 60, "rule": "minimum"},
    "config": {"data": {"path": "data/texts.csv", "seed": 3}, "measure": {"k": 100}},
    "environment": {"python": "3.12.1", "numpy": "2.1.0", "threads": 2},
    "seconds": {"extract": 61.4, "neighbors/block_01": 0.8, "neighbors/block_02": 0.9},
    "credits": ["Data: WordNet, doi:10.1145/219717.219748"],
}  # fmt: skip


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"_{path.parent.name}_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HERE = Path(__file__).parent
synthetic_profile = _load(HERE.parent / "plots" / "conftest.py").synthetic_profile
BROWSER = _load(HERE / "browser.py")


@pytest.fixture(scope="session")
def make_synthetic() -> Any:
    """Makes synthetic profiles with a full provenance."""
    return lambda *sizes, **options: synthetic_profile(*sizes, **options).with_provenance(**PROVENANCE)


@pytest.fixture(scope="session")
def profile() -> Profile:
    """Embedding, 12 blocks, final norm, labels, a clear minimum."""
    return synthetic_profile().with_provenance(**PROVENANCE)


@pytest.fixture(scope="session")
def monotone_profile() -> Profile:
    """No labels, no peak: no clear choice; hostile names everywhere."""
    hostile = {
        **PROVENANCE,
        "command": f"dimscope run {HOSTILE}",
        "model": {"name": HOSTILE, "class": HOSTILE},
        "data": {"path": HOSTILE, "unknown": HOSTILE, "n_truncated": 3, "n_examples": 30},
        "config": {"data": {"path": HOSTILE}},
        "environment": {HOSTILE: HOSTILE},
        "credits": [HOSTILE],
    }
    return synthetic_profile(12, has_labels=False, curve="monotone").with_provenance(**hostile)


@pytest.fixture(scope="session")
def deep_profile() -> Profile:
    """49 blocks and labels."""
    return synthetic_profile(49).with_provenance(**PROVENANCE)


@pytest.fixture(scope="session")
def made(profile: Profile) -> Report:
    """The report of `profile`."""
    return report(profile)


@pytest.fixture(scope="session")
def page(made: Report) -> str:
    """Its page."""
    return made.html()


@pytest.fixture(scope="session")
def hostile_page(monotone_profile: Profile) -> str:
    """The page of `monotone_profile`."""
    return report(monotone_profile).html()


@pytest.fixture(scope="session")
def hoods(profile: Profile, tmp_path_factory: pytest.TempPathFactory) -> Neighborhoods:
    """Of 120 examples with hostile texts in the layers of `profile`; examples 110 to 119 repeat the first ten."""
    folder = RunFolder(tmp_path_factory.mktemp("hoods"))
    folder.neighbors.mkdir()
    rng = np.random.default_rng(8)
    labels = rng.integers(3, size=120)
    centers = rng.normal(size=(3, 6))
    points = rng.normal(size=(120, 6)) + 2 * centers[labels]
    for layer in profile.layers:
        points = points + 0.4 * rng.normal(size=points.shape)
        points[110:] = points[:10]
        write_table(folder.table_of(layer.name), neighbors(points, 20))
    texts = [HOSTILE, "x" * 100_000, *(f"example number {row}" for row in range(2, 120))]
    columns = {
        "id": [f"id-{row}" for row in range(120)],
        "label": [f"<b>{'abc'[label]}</b>" for label in labels],
        "text": texts,
    }
    parquet.write_table(pyarrow.table(columns), folder.points)
    return read_neighborhoods(folder, [layer.name for layer in profile.layers], 10)


@pytest.fixture(scope="session")
def controlled(profile: Profile) -> Profile:
    """`profile` with the dimension and overlap of fresh weights."""
    level = np.linspace(30, 20, len(profile.layers))
    columns = {
        "dimension_untrained": level, "dimension_untrained_err": level / 20,
        "overlap_next_untrained": level / 40, "overlap_next_untrained_err": level / 400,
    }  # fmt: skip
    return Profile(profile.dataset.assign({name: ("layer", values) for name, values in columns.items()}))


@pytest.fixture(scope="session")
def full_page(controlled: Profile, hoods: Neighborhoods) -> str:
    """The page of `controlled` with the map of overlaps and the explorer."""
    return report(controlled, neighborhoods=hoods).html()


@pytest.fixture
def hostile() -> str:
    """A text that breaks careless pages."""
    return HOSTILE


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Any]:
    """A page in a headless browser."""
    if BROWSER.find_browser() is None:
        pytest.skip("no Chromium on this machine")
    with BROWSER.browser_page(tmp_path / "browser") as opened:
        yield opened
