"""Finding files in the published trees, and saying what is missing there."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kerasseg.data.faults import Fault, refuse
from kerasseg.data.folder import refuse_alone
from kerasseg.data.label_encoding import CLASS_IDS, LabelEncoding
from kerasseg.data.listing import entries
from kerasseg.data.pair import Pair
from kerasseg.errors import KerassegError


def root_of(
    data_dir: Path, title: str, needed: Sequence[str], places: Sequence[str] = ("",)
) -> Path:
    """Returns the directory that holds everything that is needed.

    Args:
        data_dir: What the user gave.
        title: What is looked for, for the message.
        needed: Files and folders that must be there.
        places: The directories to look into, relative to `data_dir`; the first that fits wins.

    Raises:
        KerassegError: Says what was expected and what was found.
    """
    for place in places:
        if all((data_dir / place / name).exists() for name in needed):
            return data_dir / place
    where = " or ".join(f"{place}/" if place else "it" for place in places)
    raise KerassegError(
        f"{data_dir} does not hold {title}: expected {' and '.join(needed)} in {where}; found "
        f"{entries(data_dir)}."
    )


def listed(path: Path, *, first_word: bool = False) -> list[str]:
    """Returns each line of a list, without repetition; `#` begins a comment.

    Args:
        path: The list.
        first_word: Whether further columns follow the name, which then holds no space.

    Raises:
        KerassegError: If the file is missing or lists nothing.
    """
    if not path.is_file():
        raise KerassegError(f"{path} is missing: it lists the images of the split. Restore it.")
    lines = map(str.strip, path.read_text(encoding="utf-8").splitlines())
    names = [line.split()[0] if first_word else line for line in lines if line and line[0] != "#"]
    if not names:
        raise KerassegError(f"{path} is empty: it lists the images of the split. Restore it.")
    return list(dict.fromkeys(names))


def files_in(folder: Path, suffix: str) -> dict[str, Path]:
    """Returns the files of a folder that end in `suffix`, by what comes before it.

    Hidden files are passed over, among them the `._name` that macOS leaves in archives.

    Raises:
        KerassegError: If there is no such folder.
    """
    if not folder.is_dir():
        raise KerassegError(
            f"{folder} is missing: it holds the files *{suffix}. Unpack the archive of this data "
            "set again."
        )
    paths = (path for path in folder.iterdir() if path.name[0] != ".")
    return {path.name.removesuffix(suffix): path for path in paths if path.name.endswith(suffix)}


def named(
    names: Iterable[str], files: Mapping[str, Path], folder: Path, source: Path
) -> list[Path]:
    """Returns the file of each name; where faults are noted also of one that is not there.

    Args:
        names: What a list names.
        files: By name.
        folder: Where they lie, for the message.
        source: The list, for the message.

    Raises:
        KerassegError: Names the first file that is missing, and how many are.
    """
    names = list(names)
    missing = [name for name in names if name not in files]
    # All of them end alike, in what `files_in` was asked for.
    suffix = next((path.name.removeprefix(name) for name, path in files.items()), "")
    expected = {name: folder / f"{name}{suffix}" for name in missing}
    if missing:
        refuse(
            f"{source} names {missing[0]}, which is not in {folder} ({len(missing)} of "
            f"{len(names)} are missing). Unpack the archive of {folder.name}/ again.",
            [Fault("missing-file", path, f"listed in {source.name}") for path in expected.values()],
        )
    return [files.get(name) or expected[name] for name in names]


def matched(
    images: dict[str, Path],
    labels: dict[str, Path],
    folders: tuple[Path, Path],
    encoding: LabelEncoding = CLASS_IDS,
) -> list[Pair]:
    """Returns the pairs of images and label maps of one name, sorted by name.

    Args:
        images: By name.
        labels: By name.
        folders: Where images and labels lie, for the messages.
        encoding: How the label maps store the classes.

    Raises:
        KerassegError: If a file has no partner, or there are none.
    """
    refuse_alone(images, labels, "label map", folders[1])
    refuse_alone(labels, images, "image", folders[0])
    if not images:
        raise KerassegError(f"{folders[0]} is empty. Unpack the archive of this data set again.")
    names = sorted(images.keys() & labels.keys())
    return [Pair(images[name], labels[name], encoding) for name in names]
