"""Prints the lower bounds of pyproject.toml as pip constraints, so that the oldest allowed versions can be tested.

python scripts/lowest_versions.py > lowest.txt;  pip install -c lowest.txt -e . --group test
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

PLACE = Path(__file__).parents[1] / "pyproject.toml"
BOUND = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?>=(?P<version>[0-9][0-9.]*)$")


def lowest(requirements: Iterable[str]) -> list[str]:
    """`name==bound` for every `name>=bound`; other requirements set no constraint, and extras may not stand in one."""
    found = (BOUND.match(requirement.replace(" ", "")) for requirement in requirements)
    return [f"{match['name']}=={match['version']}" for match in found if match]


def main() -> None:
    """Print the bounds of the dependencies and of the test tools."""
    content = tomllib.loads(PLACE.read_text(encoding="utf-8"))
    requirements = [*content["project"]["dependencies"], *content["dependency-groups"]["test"]]
    sys.stdout.write("\n".join(lowest(requirements)) + "\n")


if __name__ == "__main__":
    main()
