"""Embedded cases of `dimscope demo`: real models and data that install from the package registry."""

from dimscope.registry import Registry

DEMOS = Registry(
    "case",
    {
        "glosses": "dimscope.demos.glosses:prepare",
        "lexnames": "dimscope.demos.lexnames:prepare",
        "decoder": "dimscope.demos.decoder:prepare",
        "reactions": "dimscope.demos.reactions:prepare",
        "antibodies": "dimscope.demos.antibodies:prepare",
        "digits": "dimscope.demos.digits:prepare",
    },
    "dimscope list demos",
)
