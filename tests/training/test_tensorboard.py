"""What TensorBoard shows of a run, and of one that was killed."""

import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from kerasseg.data import find_pairs
from kerasseg.data.streams import decoded, some_examples
from kerasseg.visualization import side_by_side
from tests.data.files import LABELS
from tests.processes import CHECKOUT
from tests.training.runs import history

OF_TRAINING = {
    *(f"epoch_{name}" for name in ("loss", "mean_iou", "learning_rate", "learning_rate_backbone"))
}
OF_VALIDATION = {"epoch_loss", "epoch_mean_iou"}
PICTURES = {"image 0", "image 1"}


def shown(run_dir, folder):
    """Returns the tensors of each tag by their step, as TensorBoard reads them."""
    path = str(run_dir / "tensorboard" / folder)
    events = EventAccumulator(path, size_guidance={"tensors": 0}).Reload()
    return {
        tag: [(event.step, tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)]
        for tag in events.Tags()["tensors"]
    }


def steps(run_dir):
    return {
        f"{folder}: {tag}": [step for step, _ in values]
        for folder in ("train", "validation")
        for tag, values in shown(run_dir, folder).items()
    }


def expected_steps(epochs, validated):
    return {
        **{f"train: {tag}": epochs for tag in OF_TRAINING},
        **{f"validation: {tag}": epochs for tag in PICTURES},
        **{f"validation: {tag}": validated for tag in (*OF_VALIDATION, "confusion matrix")},
    }


def test_every_epoch_is_there_once(undisturbed):
    # validate_every is 2, and the last epoch is validated in any case.
    assert steps(undisturbed) == expected_steps([0, 1, 2], [1, 2])


def test_the_curves_are_those_of_the_history(undisturbed):
    rows = history(undisturbed)
    for folder, start, tags in (
        ("train", "", OF_TRAINING),
        ("validation", "val_", OF_VALIDATION),
    ):
        for tag in tags:
            for step, value in shown(undisturbed, folder)[tag]:
                stated = float(rows[step][start + tag.removeprefix("epoch_")])
                assert float(value) == pytest.approx(stated, rel=1e-6)
    assert rows[0]["learning_rate_backbone"] == str(0.5 * float(rows[0]["learning_rate"]))


def test_the_pictures_are_images_of_the_validation_beside_their_truth(undisturbed, data_dir):
    pairs = find_pairs(data_dir, "val")
    for number, example in enumerate(some_examples(pairs, 2)):
        image, truth = decoded(example)
        expected = np.asarray(side_by_side(image, truth, truth, LABELS).convert("RGB"))
        # Beyond them is what the model says.
        known = 2 * image.shape[1]
        for _, values in shown(undisturbed, "validation")[f"image {number}"]:
            picture = tf.io.decode_image(values[2]).numpy()
            assert picture.shape == expected.shape
            np.testing.assert_array_equal(picture[:, :known], expected[:, :known])


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["save:2:4", "save:2:8"])
def test_killed_in_a_save_every_epoch_is_there_once(
    train, undisturbed, recipe, data_dir, tmp_path, moment
):
    """Before the checkpoint of the second epoch is there, and after that."""
    run_dir = tmp_path / "run"
    places = ["--data-dir", str(data_dir), "--run-dir", str(run_dir)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.training.train_killed", moment, str(recipe), *places],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    before = steps(run_dir)
    assert all(values[-1] == 1 for values in before.values())  # of the epoch of the save
    assert train(run_dir) == 0
    assert steps(run_dir) == steps(undisturbed)
