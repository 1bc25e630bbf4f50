import json
import shutil

import pytest

from kerasseg.errors import KerassegError
from kerasseg.evaluation import Protocol
from kerasseg.serving import export_saved_model, verify_saved_model
from tests.serving.examples import constant_model, deeper_model, encoded, picture, tiny_model

IMAGES = {"a.png": encoded(picture(48, 64)), "b.jpg": encoded(picture(33, 47, seed=1), "JPEG")}


def test_an_export_agrees_with_its_model(saved_model, model):
    verification = verify_saved_model(saved_model, model, IMAGES, repetitions=2)
    assert verification.agrees
    assert verification.tolerance == 1e-4
    by_name = {comparison.signature: comparison for comparison in verification.comparisons}
    # Each image alone, and both of them, of two sizes, in one batch.
    assert {name: c.answers for name, c in by_name.items()} == {
        "serving_default": 4,
        "pixels": 2,
        "probabilities": 2,
        "overlay": 4,
    }
    assert by_name["probabilities"].probability < 1e-6
    assert by_name["overlay"].colour < 0.1
    assert all(c.other_class == 0 and c.milliseconds > 0 for c in by_name.values())


def test_other_weights_are_found_out(saved_model, model):
    other = tiny_model()
    other.layers[2].bias.assign_add([1, 0, 0, 0, 0])
    verification = verify_saved_model(saved_model, other, IMAGES, repetitions=1)
    assert not verification.agrees
    *others, overlay = verification.comparisons
    assert all(comparison.probability > 1e-2 for comparison in others)
    assert overlay.colour > 1


@pytest.mark.slow
def test_an_overlay_in_another_palette_is_found_out(saved_model, model, tmp_path):
    shutil.copytree(saved_model, tmp_path / "1")
    labels = tmp_path / "1/assets.extra/labels.json"
    told = json.loads(labels.read_text())
    labels.write_text(json.dumps({**told, "palette": told["palette"][::-1]}))
    verification = verify_saved_model(tmp_path / "1", model, IMAGES, repetitions=1)
    *others, overlay = verification.comparisons
    assert not verification.agrees
    assert overlay.colour > 5
    assert all(comparison.within(1e-4) for comparison in others)
    labels.unlink()
    with pytest.raises(KerassegError, match="does not tell the classes and their colours"):
        verify_saved_model(tmp_path / "1", model, IMAGES)


def test_bfloat16_and_softmax_models_agree_too(tmp_path):
    model = tiny_model(activation="softmax", dtype="mixed_bfloat16")
    version = export_saved_model(model, tmp_path, warmup_images=())
    verification = verify_saved_model(version, model, IMAGES, repetitions=1)
    assert verification.agrees
    assert verification.tolerance == 1e-2


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"protocol": Protocol(scales=(0.5, 1.0), flip=True), "default_signature": "pixels"},
        {"precision": "float16", "frozen": False},
    ],
    ids=["views", "float16"],
)
def test_a_model_is_asked_as_it_was_exported(tmp_path, options):
    model = deeper_model()
    version = export_saved_model(model, tmp_path, warmup_images=(), **options)
    verification = verify_saved_model(version, model, IMAGES, repetitions=1)
    assert verification.agrees
    assert verification.tolerance == (1e-2 if "precision" in options else 1e-4)
    names = [comparison.signature for comparison in verification.comparisons]
    assert names == [
        *(["serving_default", "bytes"] if "protocol" in options else ["serving_default"]),
        "pixels",
        "probabilities",
        "overlay",
    ]


def test_bad_input_is_named(saved_model, model, tmp_path):
    with pytest.raises(KerassegError, match="give at least one"):
        verify_saved_model(saved_model, model, {})
    with pytest.raises(KerassegError, match=r"torn\.jpg cannot be decoded"):
        verify_saved_model(saved_model, model, {"torn.jpg": IMAGES["b.jpg"][:200]})
    with pytest.raises(KerassegError, match="exported from another model"):
        verify_saved_model(saved_model, constant_model(3, 0), IMAGES, repetitions=1)
    with pytest.raises(
        KerassegError, match=r"export\.json does not say how the model was exported"
    ):
        verify_saved_model(tmp_path, model, IMAGES)
    shutil.copytree(saved_model / "assets.extra", tmp_path / "assets.extra")
    with pytest.raises(KerassegError, match=r"does not run through TensorFlow's C API.*\n.*"):
        verify_saved_model(tmp_path, model, IMAGES)
    small = export_saved_model(model, tmp_path / "small", warmup_images=(), max_pixels=100)
    with pytest.raises(KerassegError, match="takes at most 100 pixels an image; send it smaller"):
        verify_saved_model(small, model, {"a.png": IMAGES["a.png"]}, repetitions=1)
