import io
import os
import sys

import numpy as np
import pytest
from PIL import Image

from kerasseg import predict
from kerasseg.data.image_file import read_image
from kerasseg.evaluation import DenseCRF, Protocol
from kerasseg.run import Run
from tests.training.predictions import files, run
from training.predict import main


@pytest.fixture
def photos(tmp_path):
    """Three photos of two sizes, one in a folder below."""
    folder = tmp_path / "photos"
    (folder / "may").mkdir(parents=True)
    generator = np.random.default_rng(0)
    for name, size in (("a.jpg", (40, 48)), ("b.png", (40, 48)), ("may/c.jpg", (33, 64))):
        pixels = generator.integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def test_a_folder_becomes_masks_with_the_palette(undisturbed, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(undisturbed, out, photos, "--overlays", "--probabilities") == 0
    assert f"3 images predicted: {out}" in capsys.readouterr().out
    names = ("a", "b", "may/c")
    kinds = {"masks": "png", "overlays": "png", "probabilities": "npy"}
    expected = [f"{kind}/{name}.{suffix}" for kind, suffix in kinds.items() for name in names]
    assert files(out) == sorted([*expected, "prediction.json"])
    model, palette = Run(undisturbed).load_model(), Run(undisturbed).description.palette
    for name, photo in zip(names, ("a.jpg", "b.png", "may/c.jpg"), strict=True):
        pixels = read_image(photos / photo)
        with Image.open(out / f"masks/{name}.png") as mask:
            assert mask.mode == "P"
            assert mask.getpalette()[:9] == [value for colour in palette for value in colour]
            np.testing.assert_array_equal(mask, predict(model, pixels))
        np.testing.assert_allclose(
            np.load(out / f"probabilities/{name}.npy"),
            predict(model, pixels, probabilities=True),
            atol=1e-6,
        )
        with Image.open(out / f"overlays/{name}.png") as shown:
            assert np.asarray(shown).shape == pixels.shape


def test_what_is_done_is_not_done_again(undisturbed, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(undisturbed, out, photos / "a.jpg", photos / "b.png") == 0
    before = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    newer = (out / "masks/b.png").stat().st_mtime + 5
    os.utime(photos / "b.png", (newer, newer))
    capsys.readouterr()
    assert run(undisturbed, out, photos) == 0
    said = capsys.readouterr().out
    assert "2 images predicted" in said
    assert "1 was there already, newer than what was to be predicted" in said
    assert run(undisturbed, out, photos / "b.png", "--overwrite") == 0
    assert "1 image predicted: " in capsys.readouterr().out
    after = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    assert after["masks/a.png"] == before["masks/a.png"]
    assert after["masks/b.png"] > before["masks/b.png"]


def test_a_protocol_of_ones_own_and_no_mixture_with_another(undisturbed, photos, tmp_path, capsys):
    out, protocol = tmp_path / "out", ["--scales", "0.5", "1", "--flip", "--tile", "32"]
    assert run(undisturbed, out, photos / "a.jpg", *protocol) == 0
    pixels = read_image(photos / "a.jpg")
    own = Protocol((0.5, 1), flip=True, tile=32)
    expected = predict(Run(undisturbed).load_model(), pixels, own)
    with Image.open(out / "masks/a.png") as mask:
        np.testing.assert_array_equal(mask, expected)
    assert run(undisturbed, out, photos / "a.jpg") == 2
    assert "holds predictions of another model or protocol" in capsys.readouterr().err
    assert run(undisturbed, out, photos / "a.jpg", "--overwrite") == 0
    with Image.open(out / "masks/a.png") as mask:
        np.testing.assert_array_equal(mask, predict(Run(undisturbed).load_model(), pixels))


def test_a_dense_crf_refines_and_is_part_of_what_the_directory_holds(
    undisturbed, photos, tmp_path, capsys
):
    pytest.importorskip("pydensecrf")
    out, crf = tmp_path / "out", ["--crf-set", "steps=2", "--crf-set", "smoothness_weight=9"]
    assert run(undisturbed, out, photos / "a.jpg", "--probabilities", *crf) == 0
    model, pixels = Run(undisturbed).load_model(), read_image(photos / "a.jpg")
    own = Protocol(crf=DenseCRF(steps=2, smoothness_weight=9))
    np.testing.assert_allclose(
        np.load(out / "probabilities/a.npy"), predict(model, pixels, own, probabilities=True)
    )
    with Image.open(out / "masks/a.png") as mask:
        np.testing.assert_array_equal(mask, predict(model, pixels, own))
    assert run(undisturbed, out, photos / "a.jpg", "--crf") == 2
    assert "holds predictions of another model or protocol" in capsys.readouterr().err
    assert run(undisturbed, tmp_path / "other", photos / "a.jpg", "--crf") == 0
    with Image.open(tmp_path / "other/masks/a.png") as mask:
        np.testing.assert_array_equal(mask, predict(model, pixels, Protocol(crf=DenseCRF())))


def test_a_dense_crf_that_cannot_be_had_ends_in_a_line(
    undisturbed, photos, tmp_path, capsys, monkeypatch
):
    for arguments, message in (
        (["--crf", "--by-windows", "--tile", "64"], "--crf sees whole images: leave out --by-win"),
        (["--crf-set", "step=2"], "unknown key of --crf-set 'step': did you mean 'steps'?"),
        (["--crf-set", "steps=two"], "steps=two holds no number: say --crf-set steps=5."),
        (["--crf-set", "steps=0"], "steps is a whole number of 1 to 1000; received 0."),
    ):
        assert run(undisturbed, tmp_path / "out", photos, *arguments) == 2
        assert message in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "pydensecrf", None)
    assert run(undisturbed, tmp_path / "out", photos, "--crf") == 2
    said = capsys.readouterr().err
    assert 'pip install "kerasseg[crf]"' in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_one_bad_file_is_reported_and_the_others_are_written(undisturbed, photos, tmp_path, capsys):
    (photos / "b.png").write_bytes((photos / "b.png").read_bytes()[:300])
    out = tmp_path / "out"
    paths = [str(photos), "gone.jpg", f"{'n' * 300}.jpg"]
    assert main([str(undisturbed), *paths, "--out", str(out)]) == 1
    said = capsys.readouterr()
    assert "2 images predicted" in said.out
    assert "3 could not be predicted:" in said.err
    assert f"{'n' * 300}.jpg cannot be read: File name too long." in said.err
    assert "b.png is corrupt or" in said.err
    assert "gone.jpg cannot be read: No such file or directory." in said.err
    assert files(out) == ["masks/a.png", "masks/may/c.png", "prediction.json"]


def test_patterns_and_paths_on_standard_input(undisturbed, photos, tmp_path, monkeypatch):
    lines = f"{photos / 'b.png'}\n\n{photos / 'a.jpg'}\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    out = tmp_path / "out"
    assert run(undisturbed, out, photos / "*.jpg", "-", photos / "**" / "c.jpg") == 0
    assert files(out / "masks") == ["a.png", "b.png", "c.png"]


def test_paths_that_are_not_one_a_line_are_refused(
    undisturbed, photos, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(sys, "stdin", io.StringIO("a.jpg\0b.png\0"))
    assert run(undisturbed, tmp_path / "out", "-") == 2
    assert "give paths one a line, as by find -print." in capsys.readouterr().err


def test_a_geotiff_is_read_and_written_by_windows(undisturbed, tmp_path):
    rasterio = pytest.importorskip("rasterio")
    image, out = tmp_path / "field.tif", tmp_path / "out"
    pixels = np.random.default_rng(0).integers(0, 256, (100, 70, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(image)
    assert run(undisturbed, out, image, "--by-windows", "--tile", "64", "--overlap", "32") == 0
    with rasterio.open(out / "masks/field.tif") as file:
        found = file.read(1)
    expected = predict(Run(undisturbed).load_model(), pixels, Protocol(tile=64, overlap=32))
    np.testing.assert_array_equal(found, expected)


def test_grey_alpha_and_16_bits_are_seen_as_rgb_of_8(undisturbed, tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (40, 48)).astype(np.uint8)
    rgb = np.repeat(grey[..., None], 3, axis=-1)
    kinds = tmp_path / "kinds"
    kinds.mkdir()
    Image.fromarray(grey).save(kinds / "grey.png")
    Image.fromarray(np.dstack([rgb, grey])).save(kinds / "alpha.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(kinds / "wide.png")
    Image.fromarray(rgb).save(kinds / "rgb.png")
    assert run(undisturbed, tmp_path / "out", kinds) == 0
    masks = [np.asarray(Image.open(path)) for path in (tmp_path / "out/masks").iterdir()]
    assert len(masks) == 4
    for mask in masks:
        np.testing.assert_array_equal(mask, masks[0])


@pytest.mark.parametrize("windows", [[], ["--by-windows"]])
@pytest.mark.parametrize("count", [1, 3])
def test_a_geotiff_of_16_bits_gets_the_classes_of_its_upper_8(
    undisturbed, tmp_path, windows, count
):
    rasterio = pytest.importorskip("rasterio")
    pixels = np.random.default_rng(0).integers(0, 256, (count, 40, 60)).astype(np.uint16)
    profile = {"height": 40, "width": 60, "count": count, "dtype": "uint16"}
    with rasterio.open(tmp_path / "wide.tif", "w", driver="GTiff", **profile) as file:
        file.write(pixels * 256 + 200)
    out = tmp_path / "out"
    assert run(undisturbed, out, tmp_path / "wide.tif", "--tile", "64", *windows) == 0
    rgb = np.broadcast_to(np.moveaxis(pixels, 0, -1), (40, 60, 3)).astype(np.uint8)
    expected = predict(Run(undisturbed).load_model(), rgb, Protocol(tile=64))
    with Image.open(out / f"masks/wide.{'tif' if windows else 'png'}") as mask:
        np.testing.assert_array_equal(mask, expected)


def test_a_raster_of_other_values_is_reported_in_a_line(undisturbed, tmp_path, capsys):
    rasterio = pytest.importorskip("rasterio")
    profile = {"height": 40, "width": 60, "count": 3, "dtype": "float32"}
    with rasterio.open(tmp_path / "heights.tif", "w", driver="GTiff", **profile) as file:
        file.write(np.zeros((3, 40, 60), np.float32))
    for windows, message in (
        ([], "heights.tif cannot be read as a TIFF (3 bands of 32 bits): accepted is grey or RGB"),
        (
            ["--by-windows"],
            "heights.tif has values of float32; 0..255 in 8 bits, or 0..65535 in 16",
        ),
    ):
        arguments = [tmp_path / "heights.tif", "--tile", 64, *windows]
        assert run(undisturbed, tmp_path / "out", *arguments) == 1
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["plain", "ray"])
def test_windows_without_rasterio_are_refused_before_anything_is_done(
    undisturbed, photos, tmp_path, capsys, monkeypatch, engine
):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    monkeypatch.setattr(Run, "model_file", None)
    arguments = [photos, "--by-windows", "--tile", "64", "--engine", engine]
    assert run(undisturbed, tmp_path / "out", *arguments) == 2
    said = capsys.readouterr().err
    assert said.endswith('needs the package rasterio: pip install "kerasseg[geotiff]".\n')
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("weights", ["last", "best"])
def test_a_run_without_weights_ends_in_a_line(finished, photos, tmp_path, capsys, weights):
    file = {"last": "model.keras", "best": "best.keras"}[weights]
    (finished / file).unlink()
    assert run(finished, tmp_path / "out", photos, "--weights", weights) == 2
    said = capsys.readouterr().err
    assert f"holds no {file}: has its training ended?" in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_bad_arguments_end_in_a_line(undisturbed, photos, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    Image.new("RGB", (8, 8)).save(photos / "a.png")
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").touch()
    assert run("n" * 300, tmp_path / "out", photos) == 2
    assert "no such run directory" in capsys.readouterr().err
    assert run(undisturbed, "", photos) == 2
    assert "--out is empty: give a directory" in capsys.readouterr().err
    for out, arguments, message in (
        ("out", [tmp_path / "empty"], "empty holds no image: accepted are jpg, jpeg, png"),
        ("out", [photos / "*.gif"], "no file matches"),
        ("out", [photos], "a.jpg and "),
        ("out", [photos / "b.png", "--by-windows"], "--by-windows needs tiles: say --tile 1024."),
        (
            "out",
            [photos / "b.png", "--by-windows", "--tile", "64", "--overlays"],
            "masks and polygons alone",
        ),
        ("out", [photos / "b.png", "--weights", "best", "--tile", "7"], "multiple of 32"),
        ("out", [photos, "--devices", "CPU:0", "CPU:1"], "share the tiles of an image: say --tile"),
        ("out", [photos, ""], "a path is empty: give another one"),
        ("out", ["--engine", "ray", ""], "a path is empty: give another one"),
        ("own", [photos / "b.png"], "own is not empty and holds no predictions."),
        ("own/letter.txt", [photos / "b.png"], "letter.txt is a file; give a directory."),
        ("own/letter.txt/sub", [photos / "b.png"], "cannot be written: Not a directory. Give anot"),
        ("n" * 300, [photos / "b.png"], "cannot be written: File name too long. Give another di"),
        ("/proc/none/sub", [photos / "b.png"], "prediction.json cannot be written: No such file"),
    ):
        assert run(undisturbed, tmp_path / out, *arguments) == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
