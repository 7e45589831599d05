"""Overlaps of neighbourhoods: between representations, and with labels."""

from dimscope.overlaps.alignment import cka
from dimscope.overlaps.imbalance import information_imbalance
from dimscope.overlaps.labels import knn_accuracy, label_conflicts, label_overlap
from dimscope.overlaps.layers import overlap
from dimscope.registry import Registry

MEASURES = Registry(
    "measure",
    {
        "overlap": "dimscope.overlaps.layers:Overlap",
        "label_overlap": "dimscope.overlaps.labels:LabelOverlap",
        "knn_accuracy": "dimscope.overlaps.labels:KnnAccuracy",
        "cka": "dimscope.overlaps.alignment:CKA",
        "information_imbalance": "dimscope.overlaps.imbalance:InformationImbalance",
        "spectrum": "dimscope.spectra:Spectrum",
    },
    "dimscope list measures",
)

__all__ = ["MEASURES", "cka", "information_imbalance", "knn_accuracy", "label_conflicts", "label_overlap", "overlap"]
