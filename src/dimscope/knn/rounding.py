"""Bounds that the engines share."""

UNIT32 = 2.0**-24
"""Unit roundoff of float32."""
CERTAIN = 1 + 1e-9
"""Covers the rounding of a float64 sum of d squares, (d + 2) 2^-53 relative, for any d below four million."""
LARGEST_NORM = 1e12
"""Norm, the median being about 1, beyond which float32 cannot serve as a filter: products of squares must not overflow."""
