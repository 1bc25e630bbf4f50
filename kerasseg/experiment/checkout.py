"""Which commit the code is that computes something."""

import subprocess
from pathlib import Path


def commit() -> str:
    """Returns the commit of the checkout that kerasseg runs from, with `-dirty` if it was changed.

    Returns:
        As `git describe` names it; empty where kerasseg is installed, or there is no git.
    """
    package = Path(__file__).parents[1]
    if not (package.parent / ".git").exists():
        return ""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    try:
        ended = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return ended.stdout.strip()
