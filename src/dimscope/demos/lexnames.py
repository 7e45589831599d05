"""The sentence encoder of the default case on glosses with other labels: WordNet's lexicographer classes."""

from pathlib import Path

from dimscope.demos.base import PreparedDemo
from dimscope.demos.glosses import CREDITS as GLOSS_CREDITS
from dimscope.demos.glosses import LEAST_WORDS, draw_per_label, encoder_demo, encoder_folder, first_clause
from dimscope.errors import InputError

PLACE = Path("/usr/share/wordnet")
"""Where the Debian package `wordnet-base` puts WordNet 3.0."""
CLASSES = {
    4: "act", 5: "animal", 6: "artifact", 8: "body", 9: "cognition", 10: "communication", 13: "food", 15: "location",
    18: "person", 20: "plant", 26: "state", 27: "substance", 28: "time", 30: "change", 38: "motion",
}  # fmt: skip
"""Numbers and names of lexicographer files with at least 200 usable glosses (WordNet, lexnames(5)); 30 and 38 are of verbs."""
PER_CLASS = 200
CREDITS = (
    GLOSS_CREDITS[0],
    "Data: WordNet 3.0 (Princeton University; WordNet licence), as carried by the Debian package wordnet-base.",
)


def prepare(folder: Path) -> PreparedDemo:
    """Write `lexnames.csv` (columns id, text, label) into `folder` and describe the run.

    Raises:
        InputError: the extra `demo` or the data files of WordNet are not installed.
    """
    encoder_folder()
    if not (PLACE / "data.noun").is_file():
        raise InputError(f"the data files of WordNet are not in {PLACE}. Install them with: apt-get install wordnet-base")
    title = f"all-MiniLM-L6-v2 on {len(CLASSES) * PER_CLASS} WordNet glosses in {len(CLASSES)} lexicographer classes"
    return encoder_demo(folder / "lexnames.csv", sample_glosses(PLACE), title, CREDITS)


def sample_glosses(place: Path) -> list[tuple[str, str, str]]:
    """(synset, first clause of its gloss, class), `PER_CLASS` of each class, drawn with a fixed seed, in order of synset."""
    glosses = [row for part in ("noun", "verb") for row in read_glosses(place / f"data.{part}")]
    for name in CLASSES.values():
        found = sum(row[2] == name for row in glosses)
        if found < PER_CLASS:
            raise InputError(f"{place} has {found} usable glosses of the class {name}; {PER_CLASS} were expected.")
    return draw_per_label(glosses, CLASSES.values(), PER_CLASS)


def read_glosses(file: Path) -> list[tuple[str, str, str]]:
    """Every synset of a data file whose class is among `CLASSES` and whose first clause has at least four words."""
    found, seen = [], set()
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        head, bar, gloss = line.partition(" | ")
        if not bar or line.startswith("  "):  # the licence
            continue
        offset, number, kind = head.split()[:3]
        text = first_clause(gloss)
        if int(number) in CLASSES and len(text.split()) >= LEAST_WORDS and text not in seen:
            seen.add(text)
            found.append((f"{kind}{offset}", text, CLASSES[int(number)]))
    return found
