"""Several finished runs beside each other: their curves, overlaps and summary numbers."""

from dimscope.comparison.runs import ComparedRun, open_runs
from dimscope.comparison.scaling import overlaps_at
from dimscope.comparison.summary import summary_table
from dimscope.comparison.write import Comparison, Wanted, compare, drawn_kinds

__all__ = ["ComparedRun", "Comparison", "Wanted", "compare", "drawn_kinds", "open_runs", "overlaps_at", "summary_table"]
