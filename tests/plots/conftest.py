"""Synthetic profiles to draw."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from dimscope.profile import Layer, Profile

MakeProfile = Callable[..., Profile]


def synthetic_profile(
    n_blocks: int = 12,
    *,
    has_labels: bool = True,
    has_norm: bool = True,
    has_scaling: bool = False,
    curve: str = "peak",
    name: str = "org/model-a",
) -> Profile:
    """A profile of an embedding, `n_blocks` blocks and a final norm, with smooth made-up curves."""
    layers = [Layer("embed_00", "embed", 0, 0.0)] if n_blocks else []
    layers += [Layer(f"block_{i:02d}", "block", i, i / n_blocks) for i in range(1, n_blocks + 1)]
    if has_norm or not n_blocks:
        layers.append(Layer(f"final_norm_{n_blocks:02d}", "final_norm", n_blocks, 1.0))
    depth = np.array([layer.depth for layer in layers])
    dimension = 9 + 13 * np.exp(-(((depth - 0.3) / 0.16) ** 2)) + 4.5 * depth**6
    if curve == "monotone":
        dimension = 22 - 12 * depth
    columns = _columns(depth, dimension, has_labels)
    if has_scaling:
        columns |= _scaling(columns)
    return Profile.from_columns(
        layers,
        columns,
        np.random.default_rng(0).normal(dimension[:, None], 0.25, (len(layers), 60)),
        {"model": {"name": name}, "measure": {"overlap_k": 30, "k": 100, "estimators": ["twonn", "gride"]}},
    )


def _columns(depth: np.ndarray, dimension: np.ndarray, has_labels: bool) -> dict[str, list[float] | list[str]]:
    m = len(depth)
    following = np.append(0.93 - 0.35 * np.exp(-((np.diff(depth, append=1)[: m - 1] + depth[: m - 1]) / 0.2)), np.nan)
    columns: dict[str, np.ndarray] = {
        "n": np.full(m, 3000),
        "n_unique": np.full(m, 2998),
        "n_near": np.zeros(m, dtype=int),
        "width": np.full(m, 384),
        "dimension": dimension,
        "dimension_err": 0.018 * dimension,
        "dimension_scale": np.full(m, 2),
        "twonn": dimension,
        "twonn_err": 0.018 * dimension,
        "overlap_next": following,
        "overlap_next_err": np.where(np.isnan(following), np.nan, 0.004),
        "overlap_next_chance": np.where(np.isnan(following), np.nan, 0.01),
        "effective_rank": 180 + 60 * np.sin(3 * depth),
        "participation_ratio": 30 + 20 * np.cos(3 * depth),
        "anisotropy": 0.08 + 0.2 * depth**3,
        "r1_median": 0.4 + 3 * depth,
        "norm_median": 1 + 8 * depth,
    }
    for step in range(1, 7):
        value = dimension * (1 - 0.06 * (step - 1))
        columns |= {f"gride_{2**step}": value, f"gride_{2**step}_err": 0.02 * value / np.sqrt(step)}
    if has_labels:
        overlap = 0.22 + 0.33 * np.exp(-(((depth - 0.7) / 0.35) ** 2))
        for name, value, chance in (
            ("label_overlap", overlap, 0.074),
            ("label_overlap_balanced", overlap - 0.02, 0.066),
            ("knn_accuracy", overlap + 0.19, 0.1),
        ):
            columns |= {name: value, f"{name}_err": np.full(m, 0.005), f"{name}_chance": np.full(m, chance)}
    found: dict[str, list[float] | list[str]] = {name: value.tolist() for name, value in columns.items()}
    found["dimension_status"] = ["ok"] * m
    return found


def _scaling(columns: dict[str, list[float] | list[str]]) -> dict[str, list[float] | list[str]]:
    """The overlaps at several k, with errors and chance."""
    made: dict[str, np.ndarray] = {}
    for k in (1, 5, 30):
        for name, factor, chance in (("overlap_next", 1 - 0.002 * k, k / 2999), ("label_overlap", 1.1 - 0.003 * k, 0.074)):
            if name in columns:
                value = np.array(columns[name], dtype=float) * factor
                made |= {f"{name}_k{k}": value, f"{name}_k{k}_err": np.full(len(value), 0.004)}
                made |= {f"{name}_k{k}_chance": np.full(len(value), chance)}
    return {name: value.tolist() for name, value in made.items()}


@pytest.fixture
def make_profile() -> MakeProfile:
    """Makes synthetic profiles."""
    return partial(synthetic_profile, has_scaling=True)


@pytest.fixture
def profile() -> Profile:
    """Embedding, 12 blocks, final norm, labels."""
    return synthetic_profile(has_scaling=True)


@pytest.fixture
def profile_with_gaps(profile: Profile) -> Profile:
    """The same with NaN in three layers of every measured quantity, and all of `anisotropy`."""
    data = profile.dataset.copy(deep=True)
    for name in profile.quantities:
        if data[name].dtype.kind == "f":
            data[name].values[[0, 5, 6]] = np.nan
    data["anisotropy"].values[:] = np.nan
    return Profile(data)
