"""What stands before and after every export: a free path, fitting labels, and the same answers."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from kerasseg.errors import KerassegError
from kerasseg.formats.network import ExportedNetwork
from kerasseg.formats.sessions import ArtifactSession
from kerasseg.serving.comparison import Comparison

TOLERANCE = 1e-4
_SIZES = ((40, 56), (67, 91))  # the second is no multiple of any stride


def check_path(path: Path, suffix: str, overwrite: bool) -> None:
    """Refuses a path that another file has, or with another suffix.

    Raises:
        KerassegError: In both cases.
    """
    if path.suffix != suffix:
        raise KerassegError(f"{path} has to end in {suffix}: give {path.with_suffix(suffix)}.")
    if path.is_dir():
        raise KerassegError(f"{path} is a directory: give the name of a file.")
    if path.exists() and not overwrite:
        raise KerassegError(
            f"{path} is there already: give another name, or replace it by overwrite=True "
            "(--overwrite)."
        )


def check_answers(session: ArtifactSession, network: ExportedNetwork) -> None:
    """Refuses a file in float32 whose answers differ from the network's by more than rounding.

    A converter may take an operation for another that is nearly the same, and say nothing.

    Args:
        session: The file.
        network: What it was made of.

    Raises:
        KerassegError: If a probability is further off than 1e-4, or it cannot be run.
    """
    comparison = Comparison(network.output)
    expected_of = tf.function(network.probabilities_of, autograph=False, reduce_retracing=True)
    for seed, (height, width) in enumerate(_SIZES):
        pixels = check_pixels(height, width, seed)
        expected = expected_of(tf.constant(pixels)).numpy()
        comparison.add(expected[0], {network.output: answer_of(session, pixels)}, 0)
    if not comparison.within(TOLERANCE):
        raise KerassegError(
            f"{session.runtime} answers otherwise than the Keras model, by up to "
            f"{comparison.probability:.1e} of a probability where {TOLERANCE:g} is allowed: this "
            "network has an operation that the format lacks. Serve it as a SavedModel "
            "(export.saved_model), or build it with another backbone."
        )


def answer_of(session: ArtifactSession, pixels: np.ndarray) -> np.ndarray:
    """Returns what a file answers.

    Raises:
        KerassegError: If its runtime cannot run it.
    """
    try:
        return session.run(pixels)
    except Exception as error:  # each runtime has exceptions of its own, some of them bare
        raise KerassegError(
            f"{session.runtime} cannot run {session.path} on {list(pixels.shape)} pixels: "
            f"{str(error).strip()[:300]}."
        ) from error


def check_pixels(height: int, width: int, seed: int) -> np.ndarray:
    """Returns an image with large shapes and a little noise, uint8 `(1, height, width, 3)`."""
    random = np.random.default_rng(seed)
    coarse = random.integers(20, 236, (1, -(-height // 16), -(-width // 16), 3))
    fine = coarse.repeat(16, axis=1).repeat(16, axis=2)[:, :height, :width]
    return (fine + random.integers(-20, 20, fine.shape)).astype(np.uint8)
