"""Images and results in a bucket, or wherever else `pyarrow.fs` gets by a URI."""

import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from kerasseg.errors import KerassegError, first_line
from kerasseg.evaluation.prediction.inputs import INPUT_SUFFIXES, PICTURE_SUFFIXES
from kerasseg.evaluation.prediction.outputs import DESCRIPTION, claim
from kerasseg.evaluation.prediction.places import Place, place_in

# An object of these is there as a whole, once all of it has been sent; a file of those grows.
_WHOLE_OBJECTS, _GROWING_FILES = ("s3", "gcs"), ("local", "hdfs")
_PARTIAL = ".partial"
_SPEAKS_OF = "s3://bucket/folder, gs://bucket/folder, hdfs://host:port/folder or file:///folder"


class Image(NamedTuple):
    """An image on disk or in a bucket.

    Attributes:
        path: Of its file; below the root of the file system where there is a URI.
        name: The path of its results below theirs, without suffix.
        changed: When it was last written, in nanoseconds; None where that is not known.
        uri: One that leads to the file system it lies in; empty for a disk.
        is_result: Whether it lies where results are written.
    """

    path: str
    name: PurePosixPath
    changed: int | None
    uri: str = ""
    is_result: bool = False

    @property
    def place(self) -> str:
        """What it is called in messages."""
        return f"{self.uri.partition('://')[0]}://{self.path}" if self.uri else self.path


def is_uri(argument: str) -> bool:
    """Returns whether an argument names something by a URI.

    Example:
        >>> is_uri("s3://photos/may"), is_uri("photos/may")
        (True, False)
    """
    return "://" in argument


def without_secrets(uri: str) -> str:
    """Returns a URI as messages have it, without its keys and regions; a disk's path as it is.

    Example:
        >>> without_secrets("s3://key:secret@photos/may?region=eu-west-1")
        's3://photos/may'
    """
    if not is_uri(uri):
        return uri
    scheme, _, rest = uri.partition("://")
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def file_system(uri: str) -> tuple[Any, str]:
    """Returns the file system of `pyarrow.fs` that a URI leads to, and the path in it.

    Raises:
        KerassegError: If there is none.

    Example:
        >>> found, path = file_system("file:///photos/may")
        >>> found.type_name, path
        ('local', '/photos/may')
    """
    from pyarrow import ArrowException, fs

    try:
        found, path = fs.FileSystem.from_uri(uri)
    # fsspec answers a scheme without its package with an ImportError.
    except (ArrowException, OSError, ValueError, ImportError) as error:
        raise KerassegError(
            f"{without_secrets(uri)} cannot be opened: {first_line(error)}. Give {_SPEAKS_OF}; "
            "blanks are written %20."
        ) from None
    return found, path.rstrip("/")


def place_of(out: str) -> Place:
    """Returns the place that a path on disk or a URI names.

    Raises:
        KerassegError: If a URI leads to no file system.
    """
    return place_in(*file_system(out)) if is_uri(out) else Place(Path(out).resolve())


def images_at(uri: str, results: Place | None = None) -> list[Image]:
    """Returns the image that a URI names, or those of a folder and the folders below it.

    Args:
        uri: Of an image or a folder.
        results: Where results are written.

    Raises:
        KerassegError: If it cannot be read, or a folder holds no image.

    Example:
        >>> Path("photos/may").mkdir(parents=True)
        >>> for name in ("a.jpg", "may/b.png", "notes.txt"):
        ...     Path("photos", name).touch()
        >>> [str(each.name) for each in images_at((Path.cwd() / "photos").as_uri())]
        ['a', 'may/b']
    """
    from pyarrow import fs

    found, path = file_system(uri)

    def image(info: Any, name: PurePosixPath) -> Image:
        is_result = results is not None and results.holds(place_in(found, info.path))
        return Image(info.path, name, info.mtime_ns, uri, is_result)

    try:
        info = found.get_file_info(path)
        if info.type != fs.FileType.Directory:
            # One that is missing is one bad file among others, not a reason to stop.
            return [image(info, PurePosixPath(PurePosixPath(path).stem))]
        listed = found.get_file_info(fs.FileSelector(path, recursive=True))
    except OSError as error:
        raise KerassegError(
            f"{without_secrets(uri)} cannot be read: {first_line(error)}."
        ) from None
    images = [
        image(each, name.with_suffix(""))
        for each in sorted(listed, key=lambda each: each.path)
        if each.is_file and (name := _image_name(each.path, path)) is not None
    ]
    if not images:
        raise KerassegError(f"{without_secrets(uri)} holds no image: accepted are {_accepted()}.")
    return images


def _image_name(path: str, folder: str) -> PurePosixPath | None:
    name = PurePosixPath(path).relative_to(folder)
    hidden = any(part.startswith(".") for part in name.parts)
    return None if hidden or name.suffix.lower() not in INPUT_SUFFIXES else name


def _accepted() -> str:
    return ", ".join(suffix[1:] for suffix in PICTURE_SUFFIXES)


def download(image: Image, folder: Path) -> Path:
    """Returns a copy, in a folder on disk, of an image in a bucket.

    Raises:
        KerassegError: If it cannot be read.

    Example:
        >>> _ = Path("a.png").write_bytes(b"pixels")
        >>> (image,) = images_at(Path("a.png").absolute().as_uri())
        >>> Path("copies").mkdir()
        >>> download(image, Path("copies")).read_bytes()
        b'pixels'
    """
    import shutil

    found, _ = file_system(image.uri)
    target = folder / PurePosixPath(image.path).name
    try:
        with found.open_input_stream(image.path) as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
    except OSError as error:
        raise KerassegError(f"{image.place} cannot be read: {first_line(error)}.") from None
    return target


class ResultsFolder:
    """A folder for results that a URI names.

    A file in it is there as a whole or not at all: an object of S3 or Google Cloud Storage appears
    when all of it is there, on disks and HDFS it gets its name then.

    Args:
        uri: The folder, which may be missing.

    Raises:
        KerassegError: If the URI leads to no file system of these.

    Example:
        >>> folder = ResultsFolder((Path.cwd() / "out").as_uri())
        >>> folder.claim({"weights": "last"}, overwrite=False)
        >>> _ = Path("mask.png").write_bytes(b"classes")
        >>> folder.put(Path("mask.png"), "masks/a.png")
        >>> sorted(folder.times())
        ['masks/a.png', 'prediction.json']
    """

    def __init__(self, uri: str) -> None:
        self.place = without_secrets(uri)
        self._system, self._path = file_system(uri)
        kind = self._system.type_name
        if kind not in (*_WHOLE_OBJECTS, *_GROWING_FILES):
            raise KerassegError(
                f"--out {self.place} is of a kind ({kind}) that may show half a file: give "
                f"{_SPEAKS_OF}, or a directory."
            )
        self._grows = kind in _GROWING_FILES

    def claim(self, description: dict[str, Any], overwrite: bool) -> None:
        """Makes the folder that of predictions by one model and protocol.

        Args:
            description: As for `kerasseg.evaluation.prediction.outputs.claim_directory`.
            overwrite: As there.

        Raises:
            KerassegError: If it holds anything else.
        """
        files = self.times()
        there = self._text(DESCRIPTION) if DESCRIPTION in files else None
        text = claim(self.place, description, overwrite, there, bool(files))
        if text is not None:
            self._write(text.encode("utf-8"), DESCRIPTION)

    def times(self) -> dict[str, int]:
        """Returns when each file of the folder was written, in nanoseconds, by its path in it.

        Raises:
            KerassegError: If it cannot be listed.
        """
        files = (each for each in self._listed() if not each.base_name.startswith("."))
        return {each.path[len(self._path) + 1 :]: each.mtime_ns or 0 for each in files}

    def remove_partial(self) -> None:
        """Deletes what processes that were killed left of files that they were writing."""
        for each in self._listed() if self._grows else ():
            if each.base_name.startswith(".") and each.base_name.endswith(_PARTIAL):
                self._system.delete_file(each.path)

    def put(self, file: Path, name: str) -> None:
        """Writes a copy of a file on disk.

        Raises:
            KerassegError: If it cannot be written.
        """
        import pyarrow

        # Mapped, so that a file is written by one call, which fails as a whole: a stream that is
        # closed half way leaves an object of half the file.
        with pyarrow.memory_map(str(file)) as mapped:
            self._write(mapped.read_buffer(), name)

    def _text(self, name: str) -> str:
        try:
            with self._system.open_input_stream(f"{self._path}/{name}") as stream:
                return stream.read().decode("utf-8", "replace")
        except OSError as error:
            raise KerassegError(
                f"{self.place}/{name} cannot be read: {first_line(error)}."
            ) from None

    def _listed(self) -> Iterator[Any]:
        from pyarrow import fs

        try:
            if self._system.get_file_info(self._path).type == fs.FileType.File:
                raise KerassegError(f"--out {self.place} is a file; give a folder.")
            selector = fs.FileSelector(self._path, allow_not_found=True, recursive=True)
            listed: Sequence[Any] = self._system.get_file_info(selector)
        except OSError as error:
            raise KerassegError(
                f"--out {self.place} cannot be read: {first_line(error)}."
            ) from None
        return (each for each in listed if each.is_file)

    def _write(self, contents: Any, name: str) -> None:
        target = f"{self._path}/{name}"
        folder, _, last = target.rpartition("/")
        written = f"{folder}/.{last}.{secrets.token_hex(4)}{_PARTIAL}" if self._grows else target
        try:
            if self._grows:  # in the others there are no folders
                self._system.create_dir(folder, recursive=True)
            with self._system.open_output_stream(written) as stream:
                stream.write(contents)
            if self._grows:
                self._system.move(written, target)
        except OSError as error:
            raise KerassegError(
                f"{self.place}/{name} cannot be written: {first_line(error)}. What was there "
                "before is as it was."
            ) from error
