import numpy as np
import pytest

import kerasseg
from kerasseg.data import find_pairs, shapes
from kerasseg.errors import KerassegError
from kerasseg.evaluation import Protocol, evaluate
from kerasseg.evaluation.inference.views import Views
from kerasseg.evaluation.metrics import mean_iou
from kerasseg.formats import (
    LIMITS,
    ArtifactVerification,
    LabelledImages,
    Limits,
    Score,
    hostile_images,
    verify_artifact,
)
from kerasseg.formats.keras_reference import KerasReference
from kerasseg.formats.score import score
from kerasseg.serving import Comparison, export_saved_model
from kerasseg.serving.process import SavedModelProcess
from tests.serving.examples import constant_model, deeper_model, encoded, picture, tiny_model

IMAGES = {"a.png": encoded(picture(48, 64)), "b.jpg": encoded(picture(33, 47, seed=1), "JPEG")}


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = shapes.ensure(tmp_path_factory.mktemp("shapes"), train=2, val=3)
    return LabelledImages(find_pairs(folder, "val"), shapes.LABELS)


@pytest.fixture(scope="module")
def onnx_file(model, tmp_path_factory):
    return kerasseg.export_onnx(model, tmp_path_factory.mktemp("onnx") / "out.onnx")


def test_a_file_agrees_with_its_model(onnx_file, model):
    found = verify_artifact(onnx_file, model, IMAGES, repetitions=1)
    assert found.agrees
    assert found.limits == LIMITS["float32"]
    assert found.shrunk == 0
    (comparison,) = found.comparisons
    assert (comparison.signature, comparison.answers) == ("probabilities", 2)
    assert 0 < comparison.probability < 1e-4
    assert comparison.milliseconds > 0
    assert found.hostile.answers == len(hostile_images())
    assert "ONNX Runtime" in found.runtime


def test_other_weights_are_found_out(onnx_file):
    found = verify_artifact(onnx_file, constant_model(5, winner=3), IMAGES, repetitions=1)
    assert not found.agrees
    assert found.complaints[0].startswith("probabilities: a probability is off by ")


def test_another_model_is_refused(onnx_file):
    with pytest.raises(KerassegError, match="exported from another model"):
        verify_artifact(onnx_file, constant_model(3, winner=0), IMAGES, repetitions=1)
    with pytest.raises(KerassegError, match="give at least one"):
        verify_artifact(onnx_file, tiny_model(), {})


@pytest.mark.slow
def test_a_saved_model_is_compared_through_the_c_api(tmp_path, examples, monkeypatch):
    model = tiny_model(num_classes=8)
    export_saved_model(model, tmp_path / "out", warmup_images=())
    loads = counted(monkeypatch, SavedModelProcess, "__init__")
    traces = counted(monkeypatch, Views, "probabilities")
    monkeypatch.setattr("kerasseg.formats.score._AT_ONCE", 2)
    found = verify_artifact(tmp_path / "out", model, IMAGES, examples=examples, repetitions=1)
    assert found.agrees
    assert found.path == tmp_path / "out" / "1"
    assert found.runtime.endswith(" s")
    assert "without Python TensorFlow" in found.runtime
    assert [each.signature for each in found.comparisons] == [
        "serving_default",
        "pixels",
        "probabilities",
        "overlay",
    ]
    # In turn through four signatures, and once more in one batch through two of them.
    assert found.hostile.answers == 6 * len(hostile_images())
    assert found.score.images == 3
    assert found.score.loss == pytest.approx(0, abs=1e-6)
    # Once for all of them: real images, hostile ones and those of the data set.
    assert (len(loads), len(traces)) == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("evaluated", ["float32", "mixed_bfloat16"])
def test_a_score_stands_beside_that_of_the_model_as_it_is_evaluated(tmp_path, examples, evaluated):
    model = deeper_model(num_classes=8, dtype=evaluated)
    precision = "bfloat16" if evaluated == "float32" else "float32"
    version = export_saved_model(model, tmp_path, warmup_images=(), precision=precision)
    found = verify_artifact(version, model, IMAGES, examples=examples, repetitions=1)
    expected = evaluate(model, examples.split, examples.labels).confusion
    assert found.score.keras_mean_iou == pytest.approx(mean_iou(expected))
    assert found.score.keras_precision == evaluated.removeprefix("mixed_")
    # 16 bits change the class of a few pixels, which the same 16 bits would not show.
    assert 0 < found.score.other_class < 0.02
    assert found.limits.mean_iou == LIMITS["bfloat16"].mean_iou
    assert found.agrees


def test_a_score_does_not_take_the_exported_copy_for_the_model(examples):
    model, exported = (constant_model(8, winner) for winner in (0, 1))
    keras_model = KerasReference(model, exported, Protocol())

    def masks(images):
        return [keras_model.probabilities(image).argmax(-1) for image in images]

    found = keras_model.score(masks, examples)
    assert found.other_class == 1
    expected = evaluate(model, examples.split, examples.labels).confusion
    assert found.keras_mean_iou == pytest.approx(mean_iou(expected))
    assert found.mean_iou != found.keras_mean_iou
    assert keras_model.score(masks, None) is None


@pytest.mark.slow
def test_a_data_set_of_larger_images_than_the_file_takes_is_refused(model, tmp_path, examples):
    version = export_saved_model(model, tmp_path, warmup_images=(), max_pixels=1000)
    with pytest.raises(KerassegError, match=r"at most 1000 pixels, and one of the data set has"):
        verify_artifact(version, model, IMAGES, examples=examples, repetitions=1)


def counted(monkeypatch, owner, name):
    """Returns a list that each call of a method adds to."""
    calls, method = [], getattr(owner, name)

    def called(*arguments):
        calls.append(name)
        return method(*arguments)

    monkeypatch.setattr(owner, name, called)
    return calls


def test_a_score_is_the_mean_iou_of_an_evaluation(examples):
    model = tiny_model(num_classes=8)

    def classes(images):
        return [model(image[None].astype("float32")).numpy()[0].argmax(-1) for image in images]

    def wrong(images):
        return [np.zeros(image.shape[:2], np.uint8) for image in images]

    found = score(wrong, classes, examples)
    expected = evaluate(model, examples.split, examples.labels).confusion
    assert found.keras_mean_iou == pytest.approx(mean_iou(expected))
    sky = np.concatenate([truth.ravel() for _, truth in examples])
    counted = sky[sky != examples.labels.ignore_label]
    present = len(np.unique(counted))
    assert found.mean_iou == pytest.approx((counted == 0).mean() / present)
    masks = np.concatenate([each.ravel() for each in classes([image for image, _ in examples])])
    assert found.other_class == pytest.approx((masks != 0).mean())


def test_images_are_spread_over_a_split(examples):
    two = LabelledImages(examples.split, examples.labels, 2)
    first, last = ([*examples][place] for place in (0, 2))
    np.testing.assert_array_equal(next(iter(two))[0], first[0])
    np.testing.assert_array_equal([*two][1][1], last[1])
    with pytest.raises(KerassegError, match="--images 0: give at least 1"):
        LabelledImages(examples.split, examples.labels, 0)


def verification(
    precision, probability=0.0, other=0, hostile=0.0, loss=0.0, colour=None, hostile_colour=None
):
    return ArtifactVerification(
        path=None,
        runtime="",
        precision=precision,
        comparisons=(Comparison("mask", 1, probability, 1000, other, colour=colour),),
        hostile=Comparison("hostile", 1, hostile, pixels=9, colour=hostile_colour),
        score=Score(1, 0.7 - loss, 0.7, 0.0),
        limits=LIMITS[precision],
    )


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (verification("float32", probability=2e-4), "off by 2.0e-04"),
        (verification("float32", hostile=2e-4), "hostile: a probability is off"),
        (verification("float32", loss=0.001), "the mean IoU is 0.10 points lower"),
        (verification("int8", other=60), "6.00% of the pixels have another class"),
        (verification("int8", loss=0.011), "1.10 points lower"),
        (verification("int8", hostile=np.nan), "off by nan"),
        (verification("int8", probability=0.9, other=40, hostile=0.9, loss=0.009), None),
        (verification("float16", other=11), "1.10% of the pixels"),
        (verification("float32", colour=1.5), "mask: the colours of an overlay are off by 1.5 of"),
        (verification("bfloat16", hostile_colour=9.0), None),
        (verification("float32", hostile_colour=9.0), "hostile: the colours of an overlay"),
    ],
)
def test_every_limit_is_kept(found, complaint):
    assert found.agrees == (complaint is None)
    assert complaint is None or complaint in "\n".join(found.complaints)


def test_limits_say_what_they_are():
    assert str(LIMITS["float32"]) == "0.0001 of a probability, 0.05 points of mean IoU"
    assert str(Limits(None, 0.01, 0.01)) == "1 % of the pixels, 1 point of mean IoU"
