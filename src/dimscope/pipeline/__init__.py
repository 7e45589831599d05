"""The stages of a run, each resumable: extract, measure, recommend, report."""
