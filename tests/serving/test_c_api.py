import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import kerasseg
from kerasseg.serving.c_api import SavedModelError, SavedModelSession
from kerasseg.serving.c_api.job import Request, answers, load_tensors, save_tensors
from kerasseg.serving.c_api.library import load_library
from kerasseg.serving.comparison import decode_mask
from tests.serving.examples import encoded, picture


@pytest.fixture(scope="module")
def session(saved_model):
    with SavedModelSession(saved_model) as session:
        yield session


def test_the_loader_reports_the_signatures(session):
    assert session.version == tf.__version__
    assert [*session.signatures] == [*("overlay", "pixels", "probabilities", "serving_default")]
    pixels = session.signatures["pixels"]
    assert ([*pixels.inputs], [*pixels.outputs]) == (
        ["pixels"],
        ["class_shares", "confidence", "mask"],
    )


def test_strings_of_every_length_go_in_and_come_out(session, model):
    pictures = [picture(3, 3), picture(48, 64), picture(33, 47)]
    files = np.array([encoded(pixels) for pixels in pictures], object)
    answer = session.run("serving_default", {"image_bytes": files})
    for pixels, mask in zip(pictures, answer["mask_bytes"], strict=True):
        expected = model(pixels[None].astype("float32")).numpy()[0].argmax(-1)
        np.testing.assert_array_equal(decode_mask(mask), expected)


def test_runs_may_overlap(session):
    pictures = [picture(32, 40, seed=seed)[None] for seed in range(8)]

    def mask(pixels):
        return session.run("pixels", {"pixels": pixels})["mask"]

    one_by_one = [mask(pixels) for pixels in pictures]
    with ThreadPoolExecutor(4) as threads:
        for alone, together in zip(one_by_one, threads.map(mask, pictures), strict=True):
            np.testing.assert_array_equal(alone, together)


def test_errors_are_tensorflows_own_or_say_what_is_taken(session):
    with pytest.raises(SavedModelError, match="no signature 'predict'; there are"):
        session.run("predict", {})
    with pytest.raises(SavedModelError, match=r"takes \['pixels'\]; received \['images'\]"):
        session.run("pixels", {"images": picture(8, 8)[None]})
    with pytest.raises(SavedModelError, match="the images in pixels have no pixel"):
        session.run("pixels", {"pixels": np.zeros((1, 0, 8, 3), np.uint8)})


def test_what_is_no_image_takes_no_other_with_it(session):
    good = encoded(picture(48, 64))
    files = np.array([good, b"text", encoded(picture(48, 64), "JPEG")[:300], good], object)
    answer = session.run("serving_default", {"image_bytes": files})
    assert [len(mask) > 0 for mask in answer["mask_bytes"]] == [True, False, False, True]
    assert [error == b"" for error in answer["error"]] == [True, False, False, True]
    assert len(session.run("overlay", {"image_bytes": files[:0]})["error"]) == 0


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(SavedModelError, match="Could not find SavedModel"):
        SavedModelSession(tmp_path)
    with pytest.raises(SavedModelError, match="holds no libtensorflow_framework"):
        load_library(tmp_path)


def test_a_closed_session_does_not_run(saved_model):
    session = SavedModelSession(saved_model)
    session.close()
    with pytest.raises(SavedModelError, match="session is closed"):
        session.run("pixels", {"pixels": picture(8, 8)[None]})


def test_tensors_survive_the_files_between_the_processes(tmp_path):
    tensors = {
        "texts": np.array([b"", b"ends in zeros\x00\x00", b"plain"], object),
        "none": np.array([], object),
        "values": np.arange(6, dtype=np.float32).reshape(2, 3),
    }
    save_tensors(tmp_path / "tensors.npz", tensors)
    stored = load_tensors(tmp_path / "tensors.npz")
    assert stored.keys() == tensors.keys()
    for name, array in tensors.items():
        assert stored[name].dtype == array.dtype
        np.testing.assert_array_equal(stored[name], array)


def test_the_folder_runs_by_its_path_without_python_tensorflow(tmp_path, saved_model, session):
    inputs = [{"pixels": picture(32, 40, seed=seed)[None]} for seed in range(2)]
    for name, pixels in zip("ab", inputs, strict=True):
        save_tensors(tmp_path / f"{name}-in.npz", pixels)
    lines = [json.dumps(request(tmp_path, "a", repetitions=2)), json.dumps(request(tmp_path, "b"))]
    folder = Path(kerasseg.__file__).parent / "serving" / "c_api"
    command = [sys.executable, "-I", folder, saved_model]
    done = subprocess.run(
        command, input="\n".join(lines), stdout=subprocess.PIPE, text=True, check=True
    )
    loaded, timed, untimed = map(json.loads, done.stdout.splitlines())
    assert loaded["tensorflow"] == tf.__version__
    assert loaded["load_seconds"] > 0
    assert timed["seconds"] > 0 == untimed["seconds"]
    for name, pixels in zip("ab", inputs, strict=True):
        expected = session.run("pixels", pixels)["mask"]
        stored = load_tensors(tmp_path / f"{name}-out.npz")["mask"]
        np.testing.assert_array_equal(stored, expected)


def test_a_process_that_imported_python_tensorflow_proves_nothing(tmp_path, saved_model):
    save_tensors(tmp_path / "a-in.npz", {"pixels": picture(32, 40)[None]})
    said = answers(str(saved_model), [Request(**request(tmp_path, "a"))])
    assert next(said)["tensorflow"] == tf.__version__
    message = "this process imported keras, kerasseg, tensorflow: the proof is void"
    with pytest.raises(SavedModelError, match=message):
        next(said)


def request(folder, name, **more):
    files = {"inputs": str(folder / f"{name}-in.npz"), "outputs": str(folder / f"{name}-out.npz")}
    return {"signature": "pixels", **files, **more}
