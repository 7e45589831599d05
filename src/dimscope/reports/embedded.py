"""Data inside a page: JSON that nothing can break out of, and links that hold a file."""

import base64
import json
from typing import Any

from markupsafe import Markup

from dimscope.profile import Profile


def json_text(content: Any) -> str:
    """JSON by the standard's letter: a NaN inside would be an error here, not a surprise elsewhere."""
    return json.dumps(content, allow_nan=False, ensure_ascii=False)


def json_for_page(content: Any) -> Markup:
    """JSON that can stand inside a `<script>` element: nothing in it can close the element or open a comment."""
    text = json_text(content)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def csv_link(profile: Profile) -> str:
    """A link that holds the profile as CSV, so that the download works without script."""
    text = profile.to_dataframe().to_csv(index=False, lineterminator="\n")
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text.encode()).decode()}"
