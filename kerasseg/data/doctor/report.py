"""What the doctor leaves: two pages for people and a file for programs."""

import os
import shutil
from pathlib import Path

from kerasseg.data.doctor.case import Case
from kerasseg.data.doctor.diagnosis import Diagnosis
from kerasseg.data.doctor.html_page import html_page
from kerasseg.data.doctor.json_file import JSON_NAME, to_json
from kerasseg.data.doctor.markdown import markdown_page
from kerasseg.data.doctor.pictures import worst_pictures
from kerasseg.errors import KerassegError
from kerasseg.files import atomic_directory


def check_free(directory: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Raises an error for a directory that a report may not be written to.

    Args:
        directory: Where the report shall go.
        overwrite: Whether an older report may be deleted.

    Raises:
        KerassegError: If it is a file, lies where no directory can be made, or is not empty and no
            report to be overwritten.

    Example:
        >>> check_free("doctor-photos")
    """
    path = Path(directory)
    _check_place(path)
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not (path / JSON_NAME).is_file():
        raise KerassegError(f"{path} is not empty and holds no report; give another directory.")
    if not overwrite:
        raise KerassegError(
            f"{path} holds a report already: say --overwrite to replace it, or give another "
            "directory."
        )


def _check_place(path: Path) -> None:
    """Raises an error where neither the directory nor one beside it can be made."""
    if path.is_dir():
        above = path.absolute().parent
    else:
        above = next(each for each in (path, *path.absolute().parents) if os.path.lexists(each))
    if not above.is_dir():
        raise KerassegError(f"{above} is a file; give another directory for the report.")
    if not os.access(above, os.W_OK | os.X_OK):
        raise KerassegError(
            f"{path} cannot be made: writing to {above} is not allowed. Give another directory "
            "for the report."
        )


def write_report(
    directory: str | os.PathLike[str], diagnosis: Diagnosis, case: Case, *, overwrite: bool = False
) -> Path:
    """Writes `report.html`, `report.md` with `pictures/`, and `report.json`; all or nothing.

    Args:
        directory: Where; a directory that does not exist yet, or is empty.
        diagnosis: What was found.
        case: Where it was found; its files are read again for the pictures.
        overwrite: Whether an older report there is replaced.

    Returns:
        The directory.

    Raises:
        KerassegError: As `check_free` does.

    Example:
        >>> from kerasseg.data import shapes
        >>> from kerasseg.data.doctor import diagnose, open_folder
        >>> case = open_folder(shapes.ensure("shapes", train=2, val=1), labels=shapes.LABELS)
        >>> path = write_report("doctor-shapes", diagnose(case), case)
        >>> sorted(file.name for file in path.iterdir())
        ['pictures', 'report.html', 'report.json', 'report.md']
    """
    target = Path(directory)
    check_free(target, overwrite)
    pictures = worst_pictures(diagnosis, case)
    paths = [f"pictures/{n:02}-{each.kind}.jpg" for n, each in enumerate(pictures)]
    named = dict(zip(paths, pictures, strict=True))
    with atomic_directory(target) as temporary:
        (temporary / "pictures").mkdir()
        for name, picture in named.items():
            (temporary / name).write_bytes(picture.jpeg)
        _write(temporary / "report.md", markdown_page(diagnosis, named))
        _write(temporary / "report.html", html_page(diagnosis, pictures))
        _write(temporary / JSON_NAME, to_json(diagnosis))
        if target.is_dir():
            shutil.rmtree(target)
    return target


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
