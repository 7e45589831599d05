"""The version of dimscope."""

__version__ = "0.1.0"
