"""Embedded cases of `dimscope demo`: real models and data that install from the package registry."""

from dimscope.registry import Registry

DEMOS = Registry("case", {"glosses": "dimscope.demos.glosses:prepare"}, "dimscope demo --help")
