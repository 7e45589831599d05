"""Profile: all measures of one run over its layers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dimscope.arrays import FloatArray
from dimscope.errors import StoreError, UsageError, unknown_name
from dimscope.files import atomic_path
from dimscope.notebook import table_html

if TYPE_CHECKING:
    import pandas
    import xarray

SCHEMA = 1
DAMAGED = (StoreError, OSError, ValueError, TypeError, EOFError, LookupError, AttributeError, ArithmeticError, MemoryError)
"""What damaged or foreign netCDF files make their readers raise."""
MOST_DIGITS = 12
"""Decimals of a table; an error below them is rounding noise of the computation."""
LONGEST_TITLE = 40
"""Letters of a model's name above its table in a notebook; of a longer path the last two parts are shown."""
COORDINATES = ("site", "index", "depth", "module")
CONTROLS = ("untrained", "shuffled", "gaussian", "permuted")
"""Where there is nothing to find: fresh weights, shuffled tokens, normal points of the same covariance, permuted labels."""
CONTROLLED = ("dimension", "overlap_next", "label_overlap")
"""Quantities that are kept beside the profile for each control, as `dimension_untrained` and so on."""
SUMMARY_COLUMNS = (
    "dimension",
    *(f"dimension_{name}" for name in CONTROLS),
    "overlap_next",
    "label_overlap",
    *(f"label_overlap_{name}" for name in CONTROLS),
    "label_overlap_balanced",
    "knn_accuracy",
    "class_fraction_overlap",
    "retrieval_accuracy_k1",
    "linear_probe",
    "cluster_ari",
    "clusters",
    "mutual_knn_next",
    "cka_next",
    "imbalance_next",
    "imbalance_back",
    "effective_rank",
    "r1_median",
    "n_unique",
)


@dataclass(frozen=True)
class Layer:
    """One row of a profile: name, site, index (0 to the number of blocks) and depth (index / number of blocks)."""

    name: str
    site: str
    index: int
    depth: float
    module: str = ""


@dataclass(frozen=True, eq=False)
class Profile:
    """Labelled results over layers.

    Attributes:
        dataset: xarray data set on the axes `layer` (coordinates `layer` = name, `site`, `index`, `depth`, `module`) and
            `replicate`; one variable per quantity, its standard error as `<quantity>_err`, its chance level as
            `<quantity>_chance`. Provenance is JSON text in the attribute `provenance`.
    """

    dataset: "xarray.Dataset"

    def __post_init__(self) -> None:
        missing = {"layer", *COORDINATES, "dimension"} - {str(name) for name in self.dataset.variables}
        if missing or "layer" not in self.dataset.dims:
            raise StoreError(
                "a profile needs the axis `layer` with site, index, depth and module, and the quantity `dimension`; missing: "
                f"{', '.join(sorted(missing)) or 'the axis'}."
            )

    @classmethod
    def from_columns(
        cls,
        layers: Sequence[Layer],
        columns: Mapping[str, Sequence[float] | Sequence[str]],
        replicates: FloatArray,
        provenance: Mapping[str, Any],
    ) -> "Profile":
        """A profile from one value per layer and quantity.

        Args:
            layers: the rows.
            columns: quantity -> one value per layer.
            replicates: bootstrap values of the dimension, shape (layers, replicates); none is a second axis of length 0.
            provenance: plain data: model, data, options, versions.
        """
        import xarray

        coordinates = {
            "layer": [layer.name for layer in layers],
            "site": ("layer", [layer.site for layer in layers]),
            "index": ("layer", np.array([layer.index for layer in layers], dtype=np.int32)),
            "depth": ("layer", [layer.depth for layer in layers]),
            "module": ("layer", [layer.module for layer in layers]),
        }
        variables: dict[str, Any] = {name: ("layer", _column(values)) for name, values in columns.items()}
        if replicates.shape[1]:  # netCDF 3 has no axis of length 0
            variables["dimension_replicates"] = (("layer", "replicate"), replicates)
        attributes = {"schema": SCHEMA, "provenance": json.dumps(provenance, sort_keys=True, default=str)}
        return cls(xarray.Dataset(variables, coordinates, attributes))

    @property
    def layers(self) -> list[Layer]:
        """The rows."""
        data = self.dataset
        return [
            Layer(str(name), str(site), int(index), float(depth), str(module))
            for name, site, index, depth, module in zip(*(data[key].values for key in ("layer", *COORDINATES)), strict=True)
        ]

    @property
    def quantities(self) -> list[str]:
        """Names of the quantities that have one number per layer."""
        variables = self.dataset.variables  # not `data_vars`, which makes a labelled array of each
        return [str(name) for name in self.dataset.data_vars if _is_quantity(variables[name])]

    def numbered(self, head: str) -> dict[int, str]:
        """Number -> quantity, ascending, of the quantities that are called `head` and a number, such as `gride_8`."""
        names = [name for name in self.quantities if name.startswith(head) and name.removeprefix(head).isdigit()]
        return {number: f"{head}{number}" for number in sorted(int(name.removeprefix(head)) for name in names)}

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the numbers."""
        found: dict[str, Any] = json.loads(self.dataset.attrs.get("provenance", "{}"))
        return found

    def with_provenance(self, **entries: Any) -> "Profile":
        """The same numbers with further facts in the provenance."""
        text = json.dumps({**self.provenance, **entries}, sort_keys=True, default=str)
        return Profile(self.dataset.assign_attrs(provenance=text))

    def with_columns(self, columns: Mapping[str, FloatArray]) -> "Profile":
        """The same profile with further quantities, one number per layer each; those of the same name are replaced."""
        return Profile(self.dataset.assign({name: ("layer", _column(values)) for name, values in columns.items()}))

    def without(self, quantities: Sequence[str]) -> "Profile":
        """The same profile without these quantities."""
        return Profile(self.dataset.drop_vars([name for name in quantities if self.has(name)]))

    @property
    def controls(self) -> list[str]:
        """The controls that were measured beside the profile: words such as `untrained`."""
        return [name for name in CONTROLS if any(self.has(f"{quantity}_{name}") for quantity in CONTROLLED)]

    def values(self, quantity: str) -> FloatArray:
        """One number per layer.

        Raises:
            UsageError: no such quantity; the nearest is named.
        """
        if not self.has(quantity) or not _is_quantity(self.dataset.variables[quantity]):
            raise unknown_name("quantity", quantity, self.quantities)
        return np.asarray(self.dataset.variables[quantity].values, dtype=np.float64)

    def has(self, quantity: str) -> bool:
        """True when the quantity was measured."""
        return quantity in self.dataset

    def to_dataframe(self) -> "pandas.DataFrame":
        """One row per layer: `layer` (index), `site`, `depth`, `name`, then every quantity, full precision."""
        import pandas

        head = {
            "layer": [layer.index for layer in self.layers],
            "site": [layer.site for layer in self.layers],
            "depth": [layer.depth for layer in self.layers],
            "name": [layer.name for layer in self.layers],
        }
        texts = ["dimension_status"] if self.has("dimension_status") else []
        body = {name: self.dataset[name].values for name in (*self.quantities, *texts)}
        return pandas.DataFrame({**head, **body})

    def summary(self) -> "pandas.DataFrame":
        """A table to read, as text: every number with as many digits as its standard error supports."""
        import pandas

        shown = [name for name in SUMMARY_COLUMNS if self.has(name)]
        table = {name: [self._cell(name, row) for row in range(len(self.layers))] for name in shown}
        return pandas.DataFrame({"layer": [layer.name for layer in self.layers], **table})

    def _cell(self, quantity: str, row: int) -> str:
        value = float(self.values(quantity)[row])
        error = float(self.values(f"{quantity}_err")[row]) if self.has(f"{quantity}_err") else float("nan")
        return format_number(value, error)

    def _repr_html_(self) -> str:
        """The summary, for notebooks."""
        model = str(self.provenance.get("title") or self.provenance.get("model", {}).get("name") or "profile")
        n_examples = f", {int(self.values('n').max())} examples" if self.has("n") else ""
        table = self.summary()
        name = model if len(model) <= LONGEST_TITLE else "/".join(Path(model).parts[-2:])
        title = f"{name}: {len(self.layers)} layers{n_examples}"
        return table_html(
            title, list(map(str, table)), table.to_numpy().tolist(), "Numbers after \N{PLUS-MINUS SIGN} are standard errors."
        )

    def save(self, path: Path) -> None:
        """Write netCDF (version 3, readable by any netCDF tool), atomically."""
        with atomic_path(path) as temporary:
            self.dataset.to_netcdf(temporary, engine="scipy", format="NETCDF3_64BIT")

    @classmethod
    def load(cls, path: Path) -> "Profile":
        """The profile stored at `path`.

        Raises:
            StoreError: no such file, damaged, or written by a newer version.
        """
        import xarray

        if not path.is_file():
            raise StoreError(f"no profile at {path}; run `dimscope measure` on the run folder first.")
        try:
            with xarray.open_dataset(path, engine="scipy") as stored:
                dataset = stored.load()
            schema = int(dataset.attrs.get("schema", 0))
            if schema <= SCHEMA:
                profile = cls(dataset)
                _ = profile.layers, profile.provenance.keys()  # raise where their content is damaged
                return profile
        except DAMAGED as error:
            found = " ".join(str(error).split())
            raise StoreError(f"{path} is damaged or not a profile ({found}); measure the run again.") from None
        raise StoreError(f"{path} has schema {schema}, this dimscope reads up to {SCHEMA}; update dimscope.")


def as_profile(given: object) -> Profile:
    """The profile itself.

    Raises:
        UsageError: something else, such as the path of a run.
    """
    if isinstance(given, Profile):
        return given
    raise UsageError(f"a Profile is expected, found {type(given).__name__}; `dimscope.load(RUN)` gives that of a run folder.")


def format_number(value: float, error: float = float("nan")) -> str:
    """The value rounded to two digits of its error, as `16.52 +- 0.31`; four significant digits when there is none."""
    if not np.isfinite(value):
        return "-"
    if not np.isfinite(error) or error <= 0:
        return f"{value:.4g}" if abs(value) < 1e4 or value != int(value) else f"{value:.0f}"
    digits = max(0, 1 - int(f"{error:.1e}".partition("e")[2]))
    if digits > MOST_DIGITS:
        return f"{value:.4g} +- {error:.0e}"
    return f"{value:.{digits}f} +- {error:.{digits}f}"


def _is_quantity(variable: Any) -> bool:
    """True for one number per layer."""
    return bool(variable.dims == ("layer",) and variable.dtype.kind in "fiu")


def _column(values: Sequence[float] | Sequence[str] | FloatArray) -> Any:
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return array.astype(np.int32)
    return array.astype(np.float64) if array.dtype.kind == "f" else array
