"""Plots: one per file, each returning a `Plot` with its figure and its numbers; matplotlib is loaded when one is drawn."""

from dimscope.plots.base import Panel, Plot, PlotKind
from dimscope.plots.dimension import plot_dimension
from dimscope.plots.label_overlap import plot_label_overlap
from dimscope.plots.overlap import plot_overlap
from dimscope.plots.overlap_map import plot_overlap_map
from dimscope.plots.overlap_scaling import plot_overlap_scaling
from dimscope.plots.overview import plot_overview
from dimscope.plots.scale import plot_scale
from dimscope.plots.spectrum import plot_spectrum
from dimscope.registry import Registry

PLOTS = Registry(
    "plot",
    {
        "dimension": "dimscope.plots.dimension:DIMENSION",
        "label_overlap": "dimscope.plots.label_overlap:LABEL_OVERLAP",
        "overlap": "dimscope.plots.overlap:OVERLAP",
        "overlap_scaling": "dimscope.plots.overlap_scaling:OVERLAP_SCALING",
        "overview": "dimscope.plots.overview:OVERVIEW",
        "scale": "dimscope.plots.scale:SCALE",
        "spectrum": "dimscope.plots.spectrum:SPECTRUM",
    },
    "dimscope list plots",
    group="dimscope.plots",
)

__all__ = [
    "PLOTS",
    "Panel",
    "Plot",
    "PlotKind",
    "plot_dimension",
    "plot_label_overlap",
    "plot_overlap",
    "plot_overlap_map",
    "plot_overlap_scaling",
    "plot_overview",
    "plot_scale",
    "plot_spectrum",
]
