"""The version directories that TensorFlow Serving polls: `<base>/<whole number>/`."""

from pathlib import Path

from kerasseg.errors import KerassegError


def next_version(base: Path) -> int:
    """Returns the number above all versions in `base`, which need not exist yet.

    Raises:
        KerassegError: If `base` is a file or itself a SavedModel.
    """
    if base.exists() and not base.is_dir():
        raise KerassegError(f"{base} is a file; give a directory for the versions of the model.")
    if (base / "saved_model.pb").exists():
        raise KerassegError(
            f"{base} is itself a SavedModel; versions are numbered directories side by side: "
            f"give {base.parent} or another directory."
        )
    return max(numbered_versions(base), default=0) + 1


def latest_version(path: Path) -> Path:
    """Returns the SavedModel at `path`: `path` itself, or its version with the highest number.

    Args:
        path: A model's base path, or one of its version directories.

    Raises:
        KerassegError: If there is none.

    Example:
        >>> for version in ("1", "9", "10"):
        ...     Path("served", version).mkdir(parents=True)
        >>> latest_version(Path("served")).as_posix()
        'served/10'
    """
    if (path / "saved_model.pb").is_file():
        return path
    versions = numbered_versions(path)
    if not versions:
        raise KerassegError(
            f"no SavedModel at {path}: neither saved_model.pb nor a directory with a whole number "
            "for a name. export.saved_model writes one."
        )
    return versions[max(versions)]


def numbered_versions(base: Path) -> dict[int, Path]:
    """Returns the directories in `base` that have a whole number for a name, by that number.

    Example:
        >>> Path("leaves/3").mkdir(parents=True)
        >>> numbered_versions(Path("leaves"))
        {3: PosixPath('leaves/3')}
    """
    if not base.is_dir():
        return {}
    return {int(path.name): path for path in base.iterdir() if path.name.isdecimal()}
