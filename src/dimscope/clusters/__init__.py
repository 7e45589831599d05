"""Clusters without labels, and their agreement with labels."""

from dimscope.clusters.agreement import adjusted_rand, normalized_information
from dimscope.clusters.density_peaks import Clusters, density_peaks

__all__ = ["Clusters", "adjusted_rand", "density_peaks", "normalized_information"]
