"""Predictions of more images than one machine should do, through Ray Data: `kerasseg[ray]`."""

import logging
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kerasseg.errors import KerassegError, first_line
from kerasseg.evaluation.inference.dense_crf import crf_library
from kerasseg.evaluation.prediction import bucket
from kerasseg.evaluation.prediction.bucket import Image
from kerasseg.evaluation.prediction.folder_prediction import Outcome, gather_polygons
from kerasseg.evaluation.prediction.inputs import (
    VIDEO_SUFFIXES,
    check_names,
    listed,
    with_standard_input,
    without_results,
)
from kerasseg.evaluation.prediction.places import Place
from kerasseg.evaluation.prediction.ray_worker import Job, Starts, Worker

_MOST_BLOCKS = 10_000  # each is some kilobytes for the process that deals them out
_LOCAL_STORE = 200_000_000  # bytes of Ray's object store beside the model's


class Share(NamedTuple):
    """How many workers there are, and the cores and GPUs of each."""

    workers: int
    cpus: int
    gpus: int


def find_images(arguments: Sequence[str], out: str = "") -> list[Image]:
    """Returns the images that arguments stand for, each once.

    Args:
        arguments: As for `kerasseg.evaluation.prediction.inputs.find_inputs`, and URIs of images
            and folders in buckets.
        out: Directory or URI of the results, which are no images; empty if there are none.

    Raises:
        KerassegError: If one stands for nothing, a video, or results alone, or two images would
            have one name.

    Example:
        >>> for name in ("a.jpg", "b.png"):
        ...     Path(name).touch()
        >>> found = find_images([(Path.cwd() / "a.jpg").as_uri(), "b.png"])
        >>> [(str(image.name), image.uri[:5]) for image in found]
        [('b', ''), ('a', 'file:')]
    """
    results = bucket.place_of(out) if out else None
    named = list(with_standard_input(arguments))
    images = []
    for place, (path, name, _) in listed(each for each in named if not bucket.is_uri(each)).items():
        is_result = results is not None and results.holds(Place(place))
        images.append(Image(str(path.absolute()), name, _time_of(path), is_result=is_result))
    for argument in named:
        if bucket.is_uri(argument):
            images += bucket.images_at(argument, results)
    images = list({image.place: image for image in images}.values())
    are_results = [image.is_result for image in images]
    images = without_results(images, are_results, bucket.without_secrets(out))
    check_names([(image.place, image.name) for image in images])
    _check_kinds(images)
    return images


def _check_kinds(images: Iterable[Image]) -> None:
    for image in images:
        # predict_video deletes what is unfinished beside its files; another worker may be at it.
        if Path(image.path).suffix.lower() in VIDEO_SUFFIXES:
            raise KerassegError(
                f"{image.place} is a video, which --engine ray does not take: give images alone, "
                "by a pattern or on standard input, and videos without --engine ray."
            )


def _time_of(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None  # the worker that finds it missing too says so


def predict_on_cluster(
    images: Sequence[Image],
    model: Path,
    job: Job,
    description: dict[str, Any],
    overwrite: bool = False,
    workers: int | None = None,
) -> Outcome:
    """Predicts the images that are not done yet on the machines of a Ray cluster.

    It is the one at the environment variable RAY_ADDRESS, or one that is started on this machine
    for the time being. Paths alone go through Ray: each worker reads its images and writes what it
    finds as it goes. What a worker that is gone had not finished is done by another; an image that
    took three workers along is a failed one.

    Args:
        images: Of `find_images`.
        model: The `.keras` file, which goes to the workers through Ray's object store: they need
            not see it, and one that starts late has the same weights, whatever became of the file.
        job: What the workers do.
        description: As for `Job.claim`.
        overwrite: As for `Job.claim`.
        workers: How many copies of the model there are; None for one a GPU, or else one a machine.

    Raises:
        KerassegError: If Ray is not installed, no cluster answers or it is too small, or the
            results cannot be written.
    """
    ray = _ray()
    if job.protocol.crf:
        crf_library()  # that it is missing is said before anything is written
    job.claim(description, overwrite)
    job.remove_partial(images)
    wanted = job.not_done(images)
    outcome = Outcome(skipped=len(images) - len(wanted))
    if wanted:
        weights = np.fromfile(model, np.uint8)
        with _cluster(ray, weights.nbytes):
            divided = divide(ray.nodes(), workers)
            _predict(ray, wanted, (weights, job), divided, outcome)
        job.remove_partial(wanted)
    gather_polygons(job.outputs, outcome)
    return outcome


def _predict(
    ray: Any,
    images: Sequence[Image],
    told: tuple[np.ndarray, Job],
    divided: Share,
    outcome: Outcome,
) -> None:
    from tqdm import tqdm

    weights, job = told
    arguments = ray.put(weights), job, divided.cpus, _starts(ray)
    rows = _rows(ray, images, arguments, divided)
    said = set()
    for row in tqdm(rows, "predicting", len(images), unit="image", disable=None):
        if row["said"] and row["said"] not in said:
            said.add(row["said"])
            print(row["said"], end="", file=sys.stderr)
        if row["fatal"]:
            raise KerassegError(row["problem"])
        if row["problem"]:
            outcome.failed.append(row["problem"])
        else:
            outcome.written += 1


def _starts(ray: Any) -> Any:
    """Returns an actor without a core of its own that counts how often images were begun."""
    return ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Starts).remote()


def _rows(
    ray: Any, images: Sequence[Image], arguments: tuple[Any, ...], divided: Share
) -> Iterator[dict[str, Any]]:
    """Gives what becomes of each image, whichever is ready first."""
    items = [{"path": image.path, "name": str(image.name), "uri": image.uri} for image in images]
    data = ray.data.from_items(items, override_num_blocks=min(len(items), _MOST_BLOCKS))
    results = data.map_batches(
        Worker,
        batch_size=1,
        batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=min(divided.workers, len(items))),
        fn_constructor_args=arguments,
        num_cpus=divided.cpus,
        num_gpus=divided.gpus,
    )
    try:
        yield from results.iter_rows()
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        raise KerassegError(
            f"the workers cannot go on: {_last_line(cause)} What is written stays: the same "
            "command goes on. The log of Ray says more."
        ) from error


def _last_line(error: BaseException) -> str:
    """Returns the line of a message that holds the traceback of another machine which says why."""
    return (str(error).strip() or type(error).__name__).splitlines()[-1]


def divide(nodes: Sequence[Mapping[str, Any]], workers: int | None = None) -> Share:
    """Returns what each worker has of a cluster: as many cores as all can have, and a GPU.

    Args:
        nodes: The machines, as `ray.nodes()` describes them.
        workers: How many workers there are to be; None for one a GPU, or else one a machine.

    Raises:
        KerassegError: If there are not as many cores or GPUs.

    Example:
        >>> machine = {"Alive": True, "Resources": {"CPU": 8.0}}
        >>> divide([machine, machine])
        Share(workers=2, cpus=8, gpus=0)
        >>> divide([machine, machine], workers=6)
        Share(workers=6, cpus=2, gpus=0)
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    machines = [(int(each.get("CPU", 0)), int(each.get("GPU", 0))) for each in alive]
    gpus = sum(count for _, count in machines)
    machines = [(cpus, own) for cpus, own in machines if cpus and (own or not gpus)]
    workers = (gpus or len(machines)) if workers is None else workers
    for cpus in range(max((cpus for cpus, _ in machines), default=0), 0, -1):
        places = (min(own // cpus, each or own) for own, each in machines)
        if 1 <= workers <= sum(places):
            return Share(workers, cpus, int(gpus > 0))
    cores = sum(cpus for cpus, _ in machines)
    raise KerassegError(
        f"--workers {workers}: the cluster has {cores} cores and {gpus} GPUs; a worker takes a core"
        " at least, and a GPU where there are any. Say another number."
    )


@contextmanager
def _cluster(ray: Any, model_bytes: int) -> Iterator[None]:
    """Connects to a cluster, or starts one on this machine, and has Ray Data say less."""
    if ray.is_initialized():
        with _quietly(ray):
            yield
        return
    address = os.environ.get("RAY_ADDRESS", "")
    _check_answers(address)
    # Paths and the model alone are in the object store; Ray would take 30 % of the memory.
    own = {"include_dashboard": False, "object_store_memory": _LOCAL_STORE + 2 * model_bytes}
    try:
        ray.init(
            **({} if address else {"address": "local", **own}),
            logging_level="ERROR",
            log_to_driver=False,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise KerassegError(
            f"Ray cannot be used ({first_line(error)}): RAY_ADDRESS names a cluster; without it "
            "one is started on this machine alone."
        ) from None
    try:
        with _quietly(ray):
            yield
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    # Ray itself tries for minutes.
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "://" in address:
        return
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise KerassegError(
            f"no Ray cluster answers at RAY_ADDRESS={address}: {first_line(error)}. Start it, or "
            "unset RAY_ADDRESS: one is then started on this machine alone."
        ) from None


@contextmanager
def _quietly(ray: Any) -> Iterator[None]:
    context = ray.data.DataContext.get_current().copy()
    context.enable_progress_bars = False
    log = logging.getLogger("ray.data")
    consoles = [each for each in log.handlers if type(each) is not logging.FileHandler]
    levels = [console.level for console in consoles]
    for console in consoles:
        console.setLevel(logging.ERROR)
    try:
        with ray.data.DataContext.current(context):
            yield
    finally:
        for console, level in zip(consoles, levels, strict=True):
            console.setLevel(level)


def _ray() -> Any:
    try:
        import ray
        import ray.data
    except ImportError:
        raise KerassegError('--engine ray needs Ray: pip install "kerasseg[ray]".') from None
    return ray
