"""The measures of a layer, or of a layer and the next one, that `--measure` and `--further-k` ask for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TypeAlias

from dimscope.arrays import Points
from dimscope.clusters import adjusted_rand, density_peaks, normalized_information
from dimscope.config import MeasureConfig, further_ks
from dimscope.knn.base import Neighbors
from dimscope.overlaps import (
    cka,
    class_fraction_overlap,
    information_imbalance,
    label_overlap,
    linear_probe,
    overlap,
    retrieval_accuracy,
)  # fmt: skip
from dimscope.overlaps.class_fraction import largest_k
from dimscope.overlaps.mutual import nearest_by_angle
from dimscope.pipeline.layers import Row, columns_of


@dataclass(frozen=True, eq=False)
class Place:
    """One layer of a run as the measures see it.

    Attributes:
        table: its neighbour table.
        points: its states, shape (n_rows, d).
        labels: one per row, or None.
        groups: one per row where same-group neighbours do not count, or None.
        k: neighbours compared (`overlap_k`).
        seed: of folds and groups.
    """

    table: Neighbors
    points: Points
    labels: Sequence[str] | None
    groups: Sequence[str] | None
    k: int
    seed: int

    @property
    def own_labels(self) -> Sequence[str]:
        """The labels of a measure that was refused without them."""
        assert self.labels is not None
        return self.labels

    @cached_property
    def by_angle(self) -> Neighbors:
        """Neighbours by cosine, found once for the steps into and out of this layer."""
        return nearest_by_angle(self.points, self.k)


OfLayer: TypeAlias = Callable[[Place], Row]
OfStep: TypeAlias = Callable[[Place, Place], Row]


@dataclass(frozen=True)
class Request:
    """What fills the columns of one measure: a function of a layer, or one of a layer and the next, or both.

    Attributes:
        of_layer: from one layer.
        of_step: from a layer and the next one.
        needs_labels: True where `of_layer` cannot do without.
    """

    of_layer: OfLayer | None = None
    of_step: OfStep | None = None
    needs_labels: bool = False


def requests(options: MeasureConfig) -> Mapping[str, Request]:
    """Everything that was asked for, by name: measures, and `overlap_k10` and so on for further numbers of neighbours."""
    further = {f"overlap_k{k}": Request(partial(_label_overlap_at, k), partial(_overlap_at, k)) for k in further_ks(options)}
    return {**{name: REQUESTS[name] for name in options.measures}, **further}


def _class_fraction(here: Place) -> Row:
    """From the table when it is wide enough, otherwise from the points."""
    labels = here.own_labels
    source = here.table if largest_k(here.table.duplicates, labels) <= here.table.k else here.points
    return columns_of("class_fraction_overlap", class_fraction_overlap(source, labels))


def _retrieval(here: Place) -> Row:
    row: Row = {}
    for k in sorted({1, here.k}):
        found = retrieval_accuracy(here.table, here.own_labels, k, exclude=here.groups)
        row |= columns_of(f"retrieval_accuracy_k{k}", found)
    return row


def _probe(here: Place) -> Row:
    return columns_of("linear_probe", linear_probe(here.points, here.own_labels, exclude=here.groups, seed=here.seed))


def _clusters(here: Place) -> Row:
    found = density_peaks(here.table)
    row: Row = {"clusters": found.n_clusters, "cluster_core": found.core_fraction}
    if here.labels is not None:
        rows = here.table.duplicates.rows  # an example that repeats another one counts once, as everywhere
        own = found.labels[rows], [here.labels[at] for at in rows.tolist()]
        row |= columns_of("cluster_ari", adjusted_rand(*own, seed=here.seed))
        row |= columns_of("cluster_nmi", normalized_information(*own, seed=here.seed))
    return row


def _mutual(here: Place, following: Place) -> Row:
    return columns_of("mutual_knn_next", overlap(here.by_angle, following.by_angle, here.k))


def _cka(here: Place, following: Place) -> Row:
    return columns_of("cka_next", cka(here.points, following.points, seed=here.seed))


def _imbalance(here: Place, following: Place) -> Row:
    forward = information_imbalance(here.points, following.points)
    return columns_of("imbalance_next", forward) | columns_of(
        "imbalance_back", information_imbalance(following.points, here.points)
    )


def _overlap_at(k: int, here: Place, following: Place) -> Row:
    if min(here.table.k, following.table.k) < k:
        return {}
    return columns_of(f"overlap_next_k{k}", overlap(here.table, following.table, k))


def _label_overlap_at(k: int, here: Place) -> Row:
    if here.labels is None or here.table.k < k or len(set(here.labels)) < 2:
        return {}
    return columns_of(f"label_overlap_k{k}", label_overlap(here.table, here.labels, k, exclude=here.groups))


REQUESTS: Mapping[str, Request] = {
    "class_fraction_overlap": Request(_class_fraction, needs_labels=True),
    "retrieval_accuracy": Request(_retrieval, needs_labels=True),
    "linear_probe": Request(_probe, needs_labels=True),
    "density_peaks": Request(_clusters),
    "mutual_knn": Request(of_step=_mutual),
    "cka": Request(of_step=_cka),
    "information_imbalance": Request(of_step=_imbalance),
}
"""What `--measure` may name; the names are those of `dimscope list measures`."""
