"""What one cell of a table says, whatever type it has."""

from typing import Any

from dimscope.errors import InputError


def cell_text(value: Any, place: str) -> str | None:
    """The cell as text; None when it is empty or not a number.

    Args:
        value: a text, a number, a truth value or nothing.
        place: where it stands, for the message.

    Raises:
        InputError: another type, or a text that holds half of a character.
    """
    if value is None or value == "" or value != value:
        return None
    if isinstance(value, (list, tuple, dict, bytes)):
        raise InputError(f"{place} holds a value of type {type(value).__name__}; a text or a number is expected.")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{place} holds half of a character (\\u{ord(text[error.start]):04x}); mend or remove it.") from None
    return text
