"""What a worker of a Ray cluster does, and what it is told; see `ray_prediction`."""

import io
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.evaluation.inference.predictor import Predictor
from kerasseg.evaluation.inference.protocol import Protocol
from kerasseg.evaluation.prediction import bucket
from kerasseg.evaluation.prediction.bucket import Image, ResultsFolder
from kerasseg.evaluation.prediction.image_results import predict_image
from kerasseg.evaluation.prediction.inputs import Input
from kerasseg.evaluation.prediction.outputs import DESCRIPTION, Outputs, claim_directory
from kerasseg.files import remove_partial
from kerasseg.models.model_file import read_model

_TRIES = 3


@dataclass(frozen=True)
class Job:
    """What every worker is told.

    Args:
        protocol: How an image is seen.
        outputs: What is written, below a directory on disk, which all workers see.
        uri: Where it is written instead, if it lies in a bucket; empty otherwise.

    Raises:
        KerassegError: If there were one file of all images in a bucket.
    """

    protocol: Protocol
    outputs: Outputs
    uri: str = ""

    def __post_init__(self) -> None:
        if self.uri and self.outputs.polygons == "coco":
            raise KerassegError(
                "--polygons coco gathers those of all images in a file on disk: give --out a "
                "directory, or say --polygons geojson."
            )

    def claim(self, description: dict[str, Any], overwrite: bool) -> None:
        """Makes the place of the results that of predictions by one model and protocol.

        Args:
            description: As for `kerasseg.evaluation.prediction.outputs.claim_directory`.
            overwrite: As there.

        Raises:
            KerassegError: If it holds anything else.
        """
        if self.uri:
            ResultsFolder(self.uri).claim(description, overwrite)
        else:
            claim_directory(self.outputs.directory, description, overwrite)

    def not_done(self, images: Sequence[Image]) -> list[Image]:
        """Returns the images that lack a file newer than them and than the description."""
        times = ResultsFolder(self.uri or self.outputs.directory.absolute().as_uri()).times()
        return [image for image in images if not self._is_done(image, times)]

    def _is_done(self, image: Image, times: Mapping[str, int]) -> bool:
        files = [file.relative_to(self.outputs.directory) for file in self._files(image)]
        written = min(times.get(file.as_posix(), -1) for file in files)
        return image.changed is not None and written >= max(image.changed, times[DESCRIPTION])

    def _files(self, image: Image) -> Iterable[Path]:
        return self.outputs.files(Input(Path(image.path), image.name)).values()

    def remove_partial(self, images: Iterable[Image]) -> None:
        """Deletes what workers that were killed left of files that they were writing."""
        if self.uri:
            ResultsFolder(self.uri).remove_partial()
            return
        for folder in {file.parent for image in images for file in self._files(image)}:
            remove_partial(folder)


class Starts:
    """Counts how often images were begun, in a process of its own that outlives the workers.

    Example:
        >>> starts = Starts()
        >>> starts.add("may/a"), starts.add("may/a"), starts.add("may/b")
        (1, 2, 1)
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str) -> int:
        """Returns how often the image was begun, this time included."""
        self._counts[name] += 1
        return self._counts[name]


class Worker:
    """A copy of the model in a process of its own, which Ray Data hands images to.

    Args:
        model: Reference of the bytes of its `.keras` file in Ray's object store.
        job: What is done with an image.
        threads: How many cores TensorFlow computes an operation on.
        starts: Handle of the actor `Starts`.
    """

    def __init__(self, model: Any, job: Job, threads: int, starts: Any) -> None:
        import ray

        self._get, self._starts = ray.get, starts
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self.job = job
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.keras"
            ray.get(model).tofile(file)
            # Said with the first image: Ray shows pages for an error in a constructor.
            self._problem = ""
            with redirect_stderr(io.StringIO()) as said:
                try:
                    self.predictor = Predictor(read_model(file), job.protocol)
                except KerassegError as error:
                    self._problem = str(error).replace(str(file), "the run's model")
        self._said = said.getvalue()

    def __call__(self, batch: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Predicts one image, writes its results, and returns what was wrong with it."""
        (path,), (name,), (uri,) = batch["path"], batch["name"], batch["uri"]
        image = Image(str(path), PurePosixPath(str(name)), None, str(uri))
        problem, fatal = self._problem, bool(self._problem)
        try:
            problem = problem or self._refusal(image) or self._predict(image) or ""
        except KerassegError as error:
            problem, fatal = str(error), isinstance(error.__cause__, OSError)
        return {
            "problem": np.array([problem]),
            "fatal": np.array([fatal]),
            "said": np.array([self._said]),
        }

    def _refusal(self, image: Image) -> str | None:
        # A task of a process that was killed is dealt out again, for ever if the task is why.
        if self._get(self._starts.add.remote(str(image.name))) <= _TRIES:
            return None
        return (
            f"{image.place} cannot be predicted: {_TRIES} workers were killed over it, for want of "
            "memory perhaps: say --tile 512, or fewer --workers."
        )

    def _predict(self, image: Image) -> str | None:
        with tempfile.TemporaryDirectory() as folder:
            copies, results = Path(folder, "image"), Path(folder, "results")
            copies.mkdir()
            file = bucket.download(image, copies) if image.uri else Path(image.path)
            outputs = self.job.outputs
            if self.job.uri:
                outputs = replace(outputs, directory=results)
            input_ = Input(file, image.name)
            problem = predict_image(self.predictor, input_, outputs)
            if problem is None and self.job.uri:
                _upload(outputs.files(input_), results, ResultsFolder(self.job.uri))
        return problem and problem.replace(str(file), image.place)


def _upload(files: dict[str, Path], directory: Path, target: ResultsFolder) -> None:
    # The mask comes last, as on disk: what is there is whole, with all that belongs to it.
    for _, file in sorted(files.items(), key=lambda item: item[0] == "masks"):
        target.put(file, file.relative_to(directory).as_posix())
