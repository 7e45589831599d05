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
    from dimscope.config import RunConfig as RunConfig
    from dimscope.dimensions import dimension as dimension
    from dimscope.dimensions import dimension_scaling as dimension_scaling
    from dimscope.errors import DimscopeError as DimscopeError
    from dimscope.estimates import Estimate as Estimate
    from dimscope.estimates import Status as Status
    from dimscope.knn import Neighbors as Neighbors
    from dimscope.knn import neighbors as neighbors
    from dimscope.overlaps import cka as cka
    from dimscope.overlaps import information_imbalance as information_imbalance
    from dimscope.overlaps import knn_accuracy as knn_accuracy
    from dimscope.overlaps import label_overlap as label_overlap
    from dimscope.overlaps import overlap as overlap
    from dimscope.plots import plot_dimension as plot_dimension
    from dimscope.plots import plot_label_overlap as plot_label_overlap
    from dimscope.plots import plot_overlap as plot_overlap
    from dimscope.plots import plot_overview as plot_overview
    from dimscope.plots import plot_scale as plot_scale
    from dimscope.plots import plot_spectrum as plot_spectrum
    from dimscope.profile import Profile as Profile
    from dimscope.reports import report as report
    from dimscope.rules import Recommendation as Recommendation
    from dimscope.rules import recommend as recommend
    from dimscope.spectra import spectrum as spectrum

_PLACES = {
    "DimscopeError": "errors",
    "Estimate": "estimates",
    "Finding": "checks",
    "Neighbors": "knn",
    "Profile": "profile",
    "Recommendation": "rules",
    "RunConfig": "config",
    "Status": "estimates",
    "cka": "overlaps",
    "dimension": "dimensions",
    "dimension_scaling": "dimensions",
    "find_findings": "checks",
    "information_imbalance": "overlaps",
    "knn_accuracy": "overlaps",
    "label_overlap": "overlaps",
    "load": "api",
    "neighbors": "knn",
    "overlap": "overlaps",
    "plot_dimension": "plots",
    "plot_label_overlap": "plots",
    "plot_overlap": "plots",
    "plot_overview": "plots",
    "plot_scale": "plots",
    "plot_spectrum": "plots",
    "recommend": "rules",
    "report": "reports",
    "run": "api",
    "spectrum": "spectra",
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
