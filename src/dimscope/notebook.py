"""How results show themselves: a line at a prompt, HTML in a notebook, with no figure drawn and nothing measured.

Colours are left to the notebook, so that light and dark themes both work; every text is escaped.
"""

from collections.abc import Iterable, Sequence
from html import escape

FRAME = (
    "max-width:60rem;padding:0.75rem 1rem;border:1px solid rgba(128,128,128,.35);border-radius:10px;"
    "font-family:system-ui,sans-serif;line-height:1.5;overflow-x:auto"
)
CELL = "padding:.15rem .6rem;text-align:right;white-space:nowrap"
FADED = "margin:.4rem 0 0;opacity:.7;font-size:.85em"


def line_of(shown: object, **facts: object) -> str:
    """One line for a prompt, in place of whole arrays: the class and a few facts, numbers with four digits.

    Examples:
        >>> line_of(1.0, n=3, share=2 / 3, metric="cosine")
        "float(n=3, share=0.6667, metric='cosine')"
    """
    told = (f"{name}={f'{fact:.4g}' if isinstance(fact, float) else repr(fact)}" for name, fact in facts.items())
    return f"{type(shown).__name__}({', '.join(told)})"


def table_html(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """A titled table; the first cell of each row is its name, `+-` becomes the sign.

    Examples:
        >>> "<td" in table_html("t", ["layer", "n"], [["a", "1 +- 0.5"]])
        True
    """
    head = "".join(f'<th scope="col" style="{CELL}">{escape(heading)}</th>' for heading in headings)
    body = "".join(_row(row) for row in rows)
    last = f'<p style="{FADED}">{escape(note)}</p>' if note else ""
    table = (
        f'<table style="border-collapse:collapse;font-size:.9em"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )
    heading = f'<p style="margin:0 0 .4rem;font-weight:600">{escape(title)}</p>'
    return f'<div class="dimscope" style="{FRAME}">{heading}{table}{last}</div>'


def answer_html(headline: str, reasons: Iterable[str], cautions: Iterable[str] = ()) -> str:
    """An answer in one line, with its reasons and cautions below."""
    items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    items += "".join(f"<li><strong>Caution:</strong> {escape(caution)}</li>" for caution in cautions)
    return (
        f'<div class="dimscope" style="{FRAME}"><p style="margin:0 0 .4rem;font-size:1.15em;font-weight:600">{escape(headline)}'
        f'</p><ul style="margin:0;padding-left:1.2em;font-size:.92em">{items}</ul></div>'
    )


def _row(cells: Sequence[str]) -> str:
    name, *values = (escape(str(cell)).replace("+-", "\N{PLUS-MINUS SIGN}") for cell in cells)
    numbers = "".join(f'<td style="{CELL}">{value}</td>' for value in values)
    return f'<tr><th scope="row" style="{CELL};text-align:left">{name}</th>{numbers}</tr>'
