"""What a run reads: examples from files, points from arrays."""
