import json
import shutil
import sys

import numpy as np
import pytest
from PIL import Image

from kerasseg import predict
from kerasseg.evaluation import Predictor
from kerasseg.evaluation.prediction import video_prediction
from kerasseg.evaluation.prediction.video_files import VideoReader
from kerasseg.run import Run
from kerasseg.visualization import overlay
from tests.evaluation.prediction.test_video_files import write_video
from tests.training.test_predict import files, run
from training.predict import main

MASKS = [f"masks/walk/{number:06d}.png" for number in range(1, 7)]


@pytest.fixture
def walk(tmp_path):
    """A video of six frames."""
    return write_video(tmp_path / "walk.mp4", count=6, options={"movflags": "faststart"})


@pytest.fixture
def seen(monkeypatch):
    """The frames that the model has seen."""
    images, original = [], Predictor.classes

    def classes(self, pixels):
        images.append(pixels)
        return original(self, pixels)

    monkeypatch.setattr(Predictor, "classes", classes)
    return images


def frames_of(path):
    with VideoReader(path) as video:
        return [frame.pixels() for frame in video.frames()]


def masks_of(out):
    return [np.asarray(Image.open(out / name)) for name in MASKS]


def test_a_video_becomes_masks_and_a_video_of_overlays(undisturbed, walk, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(undisturbed, out, walk, "--overlays", "--probabilities") == 0
    said = capsys.readouterr().out
    assert "1 image or video predicted" in said
    assert "6 frames of videos predicted" in said
    probabilities = [name.replace("masks", "probabilities")[:-3] + "npy" for name in MASKS]
    assert files(out) == sorted(
        [*MASKS, *probabilities, "masks/walk/frames.json", "overlays/walk.mp4", "prediction.json"]
    )
    assert json.loads((out / "masks/walk/frames.json").read_text()) == {"frames": 6}
    labels, model = Run(undisturbed).description.labels, Run(undisturbed).load_model()
    shown = frames_of(out / "overlays/walk.mp4")
    for pixels, mask, colours in zip(frames_of(walk), masks_of(out), shown, strict=True):
        np.testing.assert_array_equal(mask, predict(model, pixels))
        expected = overlay(pixels, mask, labels).astype(float)
        assert np.abs(colours.mean((0, 1)) - expected.mean((0, 1))).max() < 4
    assert np.load(out / probabilities[0]).shape == (48, 64, 3)


def test_the_rest_of_a_video_is_predicted(undisturbed, walk, tmp_path, seen, capsys):
    out = tmp_path / "out"
    assert run(undisturbed, out, walk, "--overlays") == 0
    before, shown = masks_of(out), frames_of(out / "overlays/walk.mp4")
    # As a process leaves it that is killed in the fourth frame.
    for name in (*MASKS[3:], "masks/walk/frames.json", "overlays/walk.mp4"):
        (out / name).unlink()
    (out / "overlays/.walk.mp4.1-2.partial.mp4").touch()
    first = (out / MASKS[0]).stat().st_mtime_ns
    seen.clear()
    assert run(undisturbed, out, walk, "--overlays") == 0
    assert len(seen) == 3
    assert "3 frames of videos predicted" in capsys.readouterr().out
    np.testing.assert_array_equal(masks_of(out), before)
    np.testing.assert_array_equal(frames_of(out / "overlays/walk.mp4"), shown)
    assert (out / MASKS[0]).stat().st_mtime_ns == first
    assert [path.name for path in (out / "overlays").iterdir()] == ["walk.mp4"]
    seen.clear()
    assert run(undisturbed, out, walk, "--overlays") == 0
    assert seen == []
    assert "1 was there already" in capsys.readouterr().out
    (out / MASKS[2]).unlink()
    assert run(undisturbed, out, walk) == 0
    assert len(seen) == 1


def test_a_shorter_video_of_the_same_name_leaves_no_frames_behind(undisturbed, walk, tmp_path):
    out = tmp_path / "out"
    assert run(undisturbed, out, walk, "--polygons", "coco") == 0
    assert len(json.loads((out / "coco.json").read_text())["images"]) == 6
    write_video(walk, count=4)
    assert run(undisturbed, out, walk, "--polygons", "coco") == 0
    expected = [*MASKS[:4], "masks/walk/frames.json"]
    assert files(out / "masks") == [name.removeprefix("masks/") for name in expected]
    images = json.loads((out / "coco.json").read_text())["images"]
    assert [each["file_name"] for each in images] == [f"walk/{n:06d}.png" for n in range(1, 5)]


def test_a_broken_video_is_reported_and_what_came_before_is_kept(
    undisturbed, walk, tmp_path, capsys, seen
):
    whole = write_video(tmp_path / "whole.mp4", count=2)
    contents = walk.read_bytes()
    walk.write_bytes(contents[: len(contents) * 3 // 4])
    (tmp_path / "noise.mp4").write_bytes(b"noise")
    arguments = [undisturbed, walk, tmp_path / "noise.mp4", whole, "--overlays", "--out"]
    out = tmp_path / "out"
    assert main([*map(str, arguments), str(out)]) == 1
    said = capsys.readouterr()
    kept = len(frames_of(out / "overlays/walk.mp4"))
    assert 0 < kept < 6
    assert "1 image or video predicted" in said.out
    assert f"{2 + kept} frames of videos predicted" in said.out
    assert "2 could not be predicted:" in said.err
    assert f"walk.mp4 is damaged or cut short after {kept} frames" in said.err
    assert "noise.mp4 is corrupt, cut short or no video" in said.err
    assert files(out / "masks/walk") == [name[-10:] for name in MASKS[:kept]]
    seen.clear()
    assert main([*map(str, arguments), str(out)]) == 1
    assert seen == []
    walk.write_bytes(contents)
    assert run(undisturbed, out, walk, whole, "--overlays") == 0
    assert len(frames_of(out / "overlays/walk.mp4")) == 6


def test_frames_are_decoded_as_they_are_needed(undisturbed, tmp_path, monkeypatch):
    long = write_video(tmp_path / "long.mp4", count=40)
    decoded, waiting = [0], []
    original = video_prediction._found_frames

    def counted(*arguments):
        for frame in original(*arguments):
            decoded[0] += 1
            yield frame

    def write(*arguments):
        waiting.append(decoded[0] - len(waiting))

    monkeypatch.setattr(video_prediction, "_found_frames", counted)
    monkeypatch.setattr(video_prediction, "_write_frame", write)
    assert run(undisturbed, tmp_path / "out", long) == 0
    assert len(waiting) == 40
    assert max(waiting) <= 2


def test_names_that_meet_are_refused(undisturbed, walk, tmp_path, capsys):
    folder = tmp_path / "both"
    (folder / "walk").mkdir(parents=True)
    shutil.copy(walk, folder)
    Image.new("RGB", (8, 8)).save(folder / "walk/000001.jpg")
    assert run(undisturbed, tmp_path / "out", folder) == 2
    assert "would be written among the frames of" in capsys.readouterr().err


def test_without_the_library_images_are_written_all_the_same(
    undisturbed, walk, tmp_path, capsys, monkeypatch
):
    Image.new("RGB", (40, 40)).save(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "av", None)
    out = tmp_path / "out"
    assert main([str(undisturbed), str(tmp_path), "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "1 image or video predicted" in said.out
    assert 'videos need the package av: pip install "kerasseg[video]".' in said.err
    assert files(out / "masks") == ["a.png"]
