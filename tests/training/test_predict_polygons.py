import json
import sys

import numpy as np
import pytest
import rasterio
from PIL import Image
from pycocotools.coco import COCO
from rasterio.features import rasterize
from rasterio.transform import from_origin

from kerasseg.data.coco_json import CocoJson
from kerasseg.run import Run
from tests.training.test_predict import files, run

PLACE = {"crs": "EPSG:32632", "transform": from_origin(500000, 5400000, 0.5, 0.5)}


def write_image(path, height=72, width=80):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix != ".tif":
        Image.fromarray(pixels).save(path)
        return
    shape = {"height": height, "width": width, "count": 3, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **shape, **PLACE) as file:
        file.write(np.moveaxis(pixels, -1, 0))


def mask(file):
    with rasterio.open(file) as raster:
        return raster.read(1)


def burnt(file, shape, **options):
    features = json.loads(file.read_text())["features"]
    pairs = [(each["geometry"], each["properties"]["id"]) for each in features]
    return rasterize(pairs, shape, fill=255, dtype="uint8", **options)


def test_coco_of_a_folder_is_that_of_its_masks(undisturbed, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    for name in ("a.png", "may/b.jpg"):
        write_image(photos / name)
    assert run(undisturbed, out, photos, "--polygons", "coco") == 0
    assert [name for name in files(out) if "json" in name] == [
        "coco.json",
        "polygons/a.json",
        "polygons/may/b.json",
        "prediction.json",
    ]
    coco = COCO(str(out / "coco.json"))
    assert len(coco.imgs) == 2
    for image in coco.loadImgs(coco.getImgIds()):
        found = np.full((72, 80), 255)
        for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
            found[coco.annToMask(annotation) == 1] = annotation["category_id"]
        name = image["file_name"].rsplit(".", 1)[0]
        np.testing.assert_array_equal(found, np.asarray(Image.open(out / f"masks/{name}.png")))


def test_the_annotations_can_be_trained_on(undisturbed, tmp_path, monkeypatch):
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))
    photos, out = tmp_path / "set" / "train", tmp_path / "out"
    write_image(photos / "a.jpg")
    assert run(undisturbed, out, photos, "--polygons", "coco") == 0
    (out / "coco.json").rename(photos / "_annotations.coco.json")
    (pair,) = CocoJson(tmp_path / "set").find("train")
    stored = np.asarray(Image.open(pair.label))
    # Class 0 is the background that everything is drawn upon.
    np.testing.assert_array_equal(stored - 1, np.asarray(Image.open(out / "masks/a.png")))


@pytest.mark.parametrize("windows", [[], ["--by-windows", "--tile", "64", "--overlap", "32"]])
def test_geojson_of_a_raster_has_its_coordinates(undisturbed, tmp_path, windows):
    write_image(tmp_path / "field.tif")
    out = tmp_path / "out"
    assert run(undisturbed, out, tmp_path / "field.tif", "--polygons", "geojson", *windows) == 0
    (file,) = (out / "masks").iterdir()
    polygons = out / "polygons/field.geojson"
    again = burnt(polygons, (72, 80), transform=PLACE["transform"])
    np.testing.assert_array_equal(again, mask(file))
    name = json.loads(polygons.read_text())["crs"]["properties"]["name"]
    assert name == "urn:ogc:def:crs:EPSG::32632"


def test_geojson_of_a_photo_is_in_pixels(undisturbed, tmp_path):
    write_image(tmp_path / "a.png")
    out = tmp_path / "out"
    assert run(undisturbed, out, tmp_path / "a.png", "--polygons", "geojson") == 0
    expected = np.asarray(Image.open(out / "masks/a.png"))
    np.testing.assert_array_equal(burnt(out / "polygons/a.geojson", (72, 80)), expected)
    names = Run(undisturbed).description.class_names
    features = json.loads((out / "polygons/a.geojson").read_text())["features"]
    assert {each["properties"]["class"] for each in features} <= set(names)


def test_polygons_asked_for_later_are_written_and_then_left(undisturbed, tmp_path, capsys):
    write_image(tmp_path / "a.png")
    out = tmp_path / "out"
    assert run(undisturbed, out, tmp_path / "a.png") == 0
    assert run(undisturbed, out, tmp_path / "a.png", "--polygons", "coco") == 0
    before = (out / "coco.json").stat().st_mtime_ns
    capsys.readouterr()
    assert run(undisturbed, out, tmp_path / "a.png", "--polygons", "coco") == 0
    assert "1 was there already" in capsys.readouterr().out
    assert (out / "coco.json").stat().st_mtime_ns == before
    (out / "coco.json").unlink()
    assert run(undisturbed, out, tmp_path / "a.png", "--polygons", "coco") == 0
    assert (out / "coco.json").is_file()


def test_without_the_library_nothing_is_begun(undisturbed, tmp_path, capsys, monkeypatch):
    write_image(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "rasterio", None)
    assert run(undisturbed, tmp_path / "out", tmp_path / "a.png", "--polygons", "coco") == 2
    said = capsys.readouterr().err
    assert 'polygons need the package rasterio: pip install "kerasseg[polygons]".' in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()
