"""Masks of many image files, by a server."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from kerasseg.checks import is_count
from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.inputs import Input, find_inputs
from kerasseg.evaluation.prediction.outputs import DESCRIPTION, claim_directory
from kerasseg.files import atomic_file, remove_partial
from kerasseg.serving.client.answer import ServingError
from kerasseg.serving.client.client import SegmentationClient


@dataclass
class Outcome:
    """What became of the files.

    Attributes:
        written: How many images got a mask.
        skipped: How many had one already.
        failed: A message for each image that got none, in the order of the images.

    Example:
        >>> Outcome(written=2, failed=["a.jpg: cannot be decoded"]).failed[0]
        'a.jpg: cannot be decoded'
    """

    written: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)


def segment_files(
    client: SegmentationClient,
    paths: Sequence[str],
    out: Path,
    *,
    overlays: bool = False,
    concurrency: int = 4,
    overwrite: bool = False,
) -> Outcome:
    """Writes the mask of each image; one that fails stops no other.

    `out/masks/NAME.png` is what the server sent, each file there as a whole or not at all, and
    `out/overlays/NAME.jpg` the picture that its signature `overlay` draws, for which the network
    runs once more. Called again it goes on: a mask that is newer than its image is left.

    Args:
        client: The served model.
        paths: Images, folders of them, patterns, or `"-"` for paths on standard input.
        out: The directory; missing, empty, or with masks of the same server.
        overlays: Whether overlays are written too.
        concurrency: How many requests are under way at once.
        overwrite: Whether masks that are there are replaced.

    Raises:
        KerassegError: If a path stands for nothing, two images would have one name, a path is
            that of a video, `out` holds something else, or the disk is full.

    Example:
        >>> client = SegmentationClient("http://localhost:1/v1/models/leaves", retries=0)
        >>> Path("a.jpg").touch()
        >>> segment_files(client, ["a.jpg"], Path("masks")).failed  # doctest: +ELLIPSIS
        ['a.jpg: http://localhost:1 cannot be reached: ...']
    """
    if not is_count(concurrency):
        raise KerassegError(
            f"concurrency is a whole number of at least 1; received {concurrency!r}."
        )
    images = _images(paths, out)
    claim_directory(out, {"server": str(client.address)}, overwrite)
    task = _Task(client, out, overlays)
    for folder in {file.parent for image in images for file in task.files(image).values()}:
        remove_partial(folder)
    wanted = [image for image in images if not task.is_done(image)]
    outcome = Outcome(skipped=len(images) - len(wanted))
    failed = dict(_failures(task, wanted, concurrency))
    outcome.failed = [failed[image] for image in wanted if image in failed]
    outcome.written = len(wanted) - len(failed)
    return outcome


@dataclass(frozen=True)
class _Task:
    """What is done with each image."""

    client: SegmentationClient
    out: Path
    overlays: bool

    def files(self, image: Input) -> dict[str, Path]:
        kinds = {"masks": ".png", **({"overlays": ".jpg"} if self.overlays else {})}
        return {
            kind: self.out / kind / PurePosixPath(f"{image.name}{suffix}")
            for kind, suffix in kinds.items()
        }

    def is_done(self, image: Input) -> bool:
        try:
            described = (self.out / DESCRIPTION).stat().st_mtime_ns
            changed = max(image.path.stat().st_mtime_ns, described)
            return all(f.stat().st_mtime_ns >= changed for f in self.files(image).values())
        except OSError:
            return False

    def run(self, image: Input) -> None:
        contents = image.path.read_bytes()
        files = self.files(image)
        found = {"masks": self.client.segment(contents).mask_bytes}
        if self.overlays:
            found["overlays"] = self.client.overlay(contents)
        for kind, file in files.items():
            with atomic_file(file) as temporary:
                temporary.write_bytes(found[kind])


def _failures(
    task: _Task, images: Sequence[Input], concurrency: int
) -> Iterator[tuple[Input, str]]:
    """Gives the images that got no mask, each with the reason."""
    from tqdm import tqdm

    pool = ThreadPoolExecutor(concurrency)
    try:
        under_way = {pool.submit(task.run, image): image for image in images}
        done = as_completed(under_way)
        for future in tqdm(done, "segmenting", len(images), unit="image", disable=None):
            image = under_way[future]
            try:
                future.result()
            except (ServingError, OSError) as error:
                yield image, f"{image.path}: {getattr(error, 'strerror', None) or error}"
    finally:
        # After the keyboard's interruption, or a full disk, the others are not begun.
        pool.shutdown(wait=True, cancel_futures=True)


def _images(paths: Sequence[str], out: Path) -> list[Input]:
    images = find_inputs(paths, out)
    for image in images:
        if image.is_video:
            raise KerassegError(
                f"{image.path} is a video, and the server takes images: leave it out, or give its "
                "frames."
            )
    return images
