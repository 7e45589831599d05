"""dimscope: the geometry of a transformer's representations, layer by layer.

The public names are resolved when they are first used, so `import dimscope` loads neither torch nor matplotlib.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dimscope.api import load as load
    from dimscope.api import run as run
    from dimscope.checks import Finding as Finding
    from dimscope.checks import find_findings as find_findings
    from dimscope.clusters import Clusters as Clusters
    from dimscope.clusters import adjusted_rand as adjusted_rand
    from dimscope.clusters import density_peaks as density_peaks
    from dimscope.clusters import normalized_information as normalized_information
    from dimscope.comparison import overlaps_at as overlaps_at
    from dimscope.config import RunConfig as RunConfig
    from dimscope.dimensions import dimension as dimension
    from dimscope.dimensions import dimension_scaling as dimension_scaling
    from dimscope.errors import DimscopeError as DimscopeError
    from dimscope.estimates import Estimate as Estimate
    from dimscope.estimates import Status as Status
    from dimscope.exports import export as export
    from dimscope.knn import Neighbors as Neighbors
    from dimscope.knn import neighbors as neighbors
    from dimscope.knn import neighbors_between as neighbors_between
    from dimscope.knn import subset_neighbors as subset_neighbors
    from dimscope.overlaps import OverlapMatrix as OverlapMatrix
    from dimscope.overlaps import cka as cka
    from dimscope.overlaps import class_fraction_overlap as class_fraction_overlap
    from dimscope.overlaps import information_imbalance as information_imbalance
    from dimscope.overlaps import knn_accuracy as knn_accuracy
    from dimscope.overlaps import label_overlap as label_overlap
    from dimscope.overlaps import label_overlap_scaling as label_overlap_scaling
    from dimscope.overlaps import linear_probe as linear_probe
    from dimscope.overlaps import mutual_knn as mutual_knn
    from dimscope.overlaps import overlap as overlap
    from dimscope.overlaps import overlap_matrix as overlap_matrix
    from dimscope.overlaps import overlap_scaling as overlap_scaling
    from dimscope.overlaps import permuted_labels as permuted_labels
    from dimscope.overlaps import permuted_pairs as permuted_pairs
    from dimscope.overlaps import retrieval_accuracy as retrieval_accuracy
    from dimscope.overlaps import run_overlap as run_overlap
    from dimscope.plots import plot_dimension as plot_dimension
    from dimscope.plots import plot_label_overlap as plot_label_overlap
    from dimscope.plots import plot_overlap as plot_overlap
    from dimscope.plots import plot_overlap_map as plot_overlap_map
    from dimscope.plots import plot_overlap_scaling as plot_overlap_scaling
    from dimscope.plots import plot_overview as plot_overview
    from dimscope.plots import plot_scale as plot_scale
    from dimscope.plots import plot_spectrum as plot_spectrum
    from dimscope.profile import Profile as Profile
    from dimscope.reports import report as report
    from dimscope.rules import Recommendation as Recommendation
    from dimscope.rules import recommend as recommend
    from dimscope.spectra import spectrum as spectrum

_PLACES = {
    "Clusters": "clusters",
    "DimscopeError": "errors",
    "Estimate": "estimates",
    "Finding": "checks",
    "Neighbors": "knn",
    "OverlapMatrix": "overlaps",
    "Profile": "profile",
    "Recommendation": "rules",
    "RunConfig": "config",
    "Status": "estimates",
    "adjusted_rand": "clusters",
    "cka": "overlaps",
    "class_fraction_overlap": "overlaps",
    "density_peaks": "clusters",
    "dimension": "dimensions",
    "dimension_scaling": "dimensions",
    "export": "exports",
    "find_findings": "checks",
    "information_imbalance": "overlaps",
    "knn_accuracy": "overlaps",
    "label_overlap": "overlaps",
    "label_overlap_scaling": "overlaps",
    "linear_probe": "overlaps",
    "load": "api",
    "mutual_knn": "overlaps",
    "neighbors": "knn",
    "neighbors_between": "knn",
    "normalized_information": "clusters",
    "overlap": "overlaps",
    "overlap_matrix": "overlaps",
    "overlap_scaling": "overlaps",
    "overlaps_at": "comparison",
    "permuted_labels": "overlaps",
    "permuted_pairs": "overlaps",
    "plot_dimension": "plots",
    "plot_label_overlap": "plots",
    "plot_overlap": "plots",
    "plot_overlap_map": "plots",
    "plot_overlap_scaling": "plots",
    "plot_overview": "plots",
    "plot_scale": "plots",
    "plot_spectrum": "plots",
    "recommend": "rules",
    "report": "reports",
    "retrieval_accuracy": "overlaps",
    "run": "api",
    "run_overlap": "overlaps",
    "spectrum": "spectra",
    "subset_neighbors": "knn",
}

__all__ = sorted(_PLACES)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("dimscope.version").__version__
    if name not in _PLACES:
        raise AttributeError(f"module 'dimscope' has no attribute {name!r}")
    found = getattr(import_module(f"dimscope.{_PLACES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
