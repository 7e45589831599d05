"""Overlaps of neighbourhoods: between representations, and with labels."""

from dimscope.overlaps.alignment import cka
from dimscope.overlaps.class_fraction import class_fraction_overlap
from dimscope.overlaps.imbalance import information_imbalance
from dimscope.overlaps.labels import knn_accuracy, label_conflicts, label_overlap
from dimscope.overlaps.layers import overlap
from dimscope.overlaps.matrix import OverlapMatrix, overlap_matrix
from dimscope.overlaps.mutual import mutual_knn
from dimscope.overlaps.null import PermutationNull, permuted_labels, permuted_pairs
from dimscope.overlaps.probe import linear_probe
from dimscope.overlaps.ranks import label_overlap_scaling, overlap_scaling
from dimscope.overlaps.retrieval import retrieval_accuracy
from dimscope.overlaps.runs import RunOverlap, run_overlap
from dimscope.registry import Registry

MEASURES = Registry(
    "measure",
    {
        "overlap": "dimscope.overlaps.layers:Overlap",
        "overlap_matrix": "dimscope.overlaps.matrix:OverlapMatrix",
        "mutual_knn": "dimscope.overlaps.mutual:MutualKnn",
        "label_overlap": "dimscope.overlaps.labels:LabelOverlap",
        "class_fraction_overlap": "dimscope.overlaps.class_fraction:ClassFractionOverlap",
        "knn_accuracy": "dimscope.overlaps.labels:KnnAccuracy",
        "retrieval_accuracy": "dimscope.overlaps.retrieval:Retrieval",
        "linear_probe": "dimscope.overlaps.probe:Probe",
        "cka": "dimscope.overlaps.alignment:CKA",
        "information_imbalance": "dimscope.overlaps.imbalance:InformationImbalance",
        "density_peaks": "dimscope.clusters.density_peaks:DensityPeaks",
        "spectrum": "dimscope.spectra:Spectrum",
    },
    "dimscope list measures",
)

__all__ = [
    "MEASURES",
    "OverlapMatrix",
    "PermutationNull",
    "RunOverlap",
    "cka",
    "class_fraction_overlap",
    "information_imbalance",
    "knn_accuracy",
    "label_conflicts",
    "label_overlap",
    "label_overlap_scaling",
    "linear_probe",
    "mutual_knn",
    "overlap",
    "overlap_matrix",
    "overlap_scaling",
    "permuted_labels",
    "permuted_pairs",
    "retrieval_accuracy",
    "run_overlap",
]
