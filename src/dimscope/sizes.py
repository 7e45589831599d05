"""Numbers of bytes in words."""

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")


def size_text(n_bytes: float) -> str:
    """Bytes with three digits, in the decimal unit in which they are 1 to 999.

    Examples:
        >>> size_text(0), size_text(894_000_000), size_text(15_540_000_000)
        ('0 B', '894 MB', '15.5 GB')
    """
    unit = 0
    while n_bytes >= 999.5 and unit < len(UNITS) - 1:
        n_bytes, unit = n_bytes / 1000, unit + 1
    return f"{n_bytes:.3g} {UNITS[unit]}"
