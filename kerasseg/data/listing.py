"""What a directory holds, as messages say it."""

from collections.abc import Iterable
from pathlib import Path

_SHOWN = 6


def entries(folder: Path) -> str:
    """Returns the first names in a directory; hidden ones are passed over.

    Example:
        >>> Path("photos/train").mkdir(parents=True)
        >>> entries(Path("photos"))
        'train/'
    """
    return shown(
        path.name + "/" * path.is_dir() for path in folder.iterdir() if path.name[0] != "."
    )


def shown(names: Iterable[str]) -> str:
    """Returns the first names in their order, and how many more there are.

    Example:
        >>> shown("hgfedcba"), shown([])
        ('a, b, c, d, e, f and 2 more', 'nothing')
    """
    ordered = sorted(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more if ordered else "nothing"
