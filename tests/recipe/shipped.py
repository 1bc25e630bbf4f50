"""The recipes of the checkout."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "training" / "recipes").glob("*.toml"))
NAMES = [path.stem for path in RECIPES]


def header(path: Path) -> str:
    """Returns the comment that the file begins with, without its marks."""
    lines = path.read_text().partition("\n\n")[0].splitlines()
    assert all(line.startswith("#") for line in lines)
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


def command(path: Path) -> str:
    """Returns the command of the header on one line."""
    lines = header(path).replace("\\\n", " ").splitlines()
    (found,) = [line for line in lines if line.startswith("  python ")]
    return " ".join(found.split())
