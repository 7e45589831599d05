"""The numbers over the layers, in forms that other tools read."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from dimscope.files import write_text
from dimscope.profile import Profile


def export_profile(profile: Profile, out: Path, ending: str) -> Path:
    """The path, after the profile was written as `csv`, `json` or `nc`; see `dimscope.exports.export`."""
    if ending == "nc":
        profile.save(out)
    elif ending == "csv":
        write_text(out, profile.to_dataframe().to_csv(index=False, lineterminator="\n"))
    else:
        write_text(out, json.dumps(profile_dict(profile), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return out


def profile_dict(profile: Profile) -> dict[str, Any]:
    """Plain data: `layers`, one entry per layer with every quantity (null where it is missing), and `provenance`."""
    rows = profile.to_dataframe().to_dict(orient="records")
    return {
        "layers": [{str(name): _plain(cell) for name, cell in row.items()} for row in rows],
        "provenance": profile.provenance,
    }


def _plain(cell: Any) -> Any:
    """A number as JSON knows it; NaN and Inf are null."""
    if isinstance(cell, (float, np.floating)):
        return float(cell) if np.isfinite(cell) else None
    return int(cell) if isinstance(cell, np.integer) else cell
