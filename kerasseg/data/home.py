"""The directory for what kerasseg writes unasked: generated and converted data sets."""

import os
from pathlib import Path


def home() -> Path:
    """Returns what the environment variable `KERASSEG_HOME` names, or else `~/.cache/kerasseg`."""
    return Path(os.environ.get("KERASSEG_HOME") or Path.home() / ".cache" / "kerasseg")
