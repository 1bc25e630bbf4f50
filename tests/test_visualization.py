import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet
from kerasseg.visualization import colour_map, contact_sheet, labelled_crop, overlay, side_by_side

LABELS = LabelSet(("road", "car"), palette=((200, 0, 0), (0, 100, 0)))
label_maps = arrays.arrays(np.uint8, (5, 7), elements=st.sampled_from([0, 1, 255]))


def image(height=5, width=7):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


def test_a_colour_map_has_the_colours_of_the_palette_and_black_for_void():
    colours = colour_map([[0, 1, 255]], LABELS)
    assert colours.dtype == np.uint8
    assert colours.tolist() == [[[200, 0, 0], [0, 100, 0], [0, 0, 0]]]


def test_the_void_of_a_data_set_is_its_own():
    eleven = LabelSet(("road", "car"), ignore_label=11)
    assert colour_map([[11]], eleven).tolist() == [[[0, 0, 0]]]
    with pytest.raises(KerassegError, match=r"holds 255; accepted are the classes 0..1 and 11"):
        colour_map([[255]], eleven)


@settings(max_examples=30, deadline=None)
@given(label_maps, st.floats(0, 1))
def test_void_is_left_clear(label, opacity):
    laid_over = overlay(image(), label, LABELS, opacity)
    assert laid_over.dtype == np.uint8
    assert np.array_equal(laid_over[label == 255], image()[label == 255])


@settings(max_examples=30, deadline=None)
@given(label_maps)
def test_opacity_leads_from_the_image_to_the_colours(label):
    assert np.array_equal(overlay(image(), label, LABELS, 0), image())
    seen = label != 255
    assert np.array_equal(overlay(image(), label, LABELS, 1)[seen], colour_map(label, LABELS)[seen])


@pytest.mark.parametrize("strip", [1, 20, 35, 1 << 18])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_strips_do_not_change_an_overlay(monkeypatch, strip, dtype):
    monkeypatch.setattr("kerasseg.visualization.label_maps._STRIP", strip)
    pixels = image().astype(dtype) - (dtype(0) if dtype == np.uint8 else dtype(3.3))
    label = np.random.default_rng(1).choice([0, 1, 255], (5, 7)).astype(np.uint8)
    seen, whole = (label != 255)[..., None], pixels.astype(np.float32)
    mixed = whole + 0.3 * seen * (colour_map(label, LABELS) - whole)
    expected = np.clip(np.round(mixed), 0, 255).astype(np.uint8)
    found = overlay(pixels, label, LABELS, 0.3)
    assert found.dtype == np.uint8
    assert np.array_equal(found, expected)


def test_an_overlay_takes_little_more_memory_than_its_result():
    pixels, label = np.zeros((2048, 1024, 3), np.uint8), np.zeros((2048, 1024), np.uint8)
    tracemalloc.start()
    try:
        found = overlay(pixels, label, LABELS)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < found.nbytes + 48e6  # of the whole image at once it were 180e6


def test_sizes_that_differ_are_named():
    with pytest.raises(KerassegError, match=r"got \(5, 7, 3\) and \(5, 8\)"):
        overlay(image(), np.zeros((5, 8), int), LABELS)


def test_opacity_out_of_range_is_refused():
    with pytest.raises(KerassegError, match=r"opacity lies within 0..1; got 2"):
        overlay(image(), np.zeros((5, 7), int), LABELS, 2)


def test_image_truth_and_prediction_stand_side_by_side(tmp_path):
    truth, prediction = np.zeros((60, 80), int), np.ones((60, 80), int)
    picture = side_by_side(
        image(60, 80), truth, prediction, LABELS, opacity=1, path=tmp_path / "picture.png"
    )
    pixels = np.asarray(Image.open(tmp_path / "picture.png"))
    assert np.array_equal(pixels, np.asarray(picture))
    middle = pixels[50]
    assert np.array_equal(middle[10:90], image(60, 80)[50 - 24])
    assert np.all(middle[100:180] == (200, 0, 0))
    assert np.all(middle[190:270] == (0, 100, 0))


def test_the_truth_can_be_left_out():
    prediction = np.ones((60, 80), int)
    three = side_by_side(image(60, 80), prediction, prediction, LABELS)
    assert side_by_side(image(60, 80), None, prediction, LABELS).width == three.width - 90


def test_the_legend_shows_every_colour_and_breaks_its_lines():
    prediction = np.full((40, 40), 255)
    many = LabelSet(tuple(f"class number {n}" for n in range(12)))
    with_legend = side_by_side(image(40, 40), prediction, prediction, many)
    without = side_by_side(image(40, 40), prediction, prediction, many, legend=False)
    strip = np.asarray(with_legend)[without.height :].reshape(-1, 3)
    assert {tuple(colour) for colour in many.colours} <= set(map(tuple, strip.tolist()))
    assert with_legend.height > without.height + 3 * 20


def test_a_crop_stands_beside_itself_with_its_labels():
    crop, label = image(60, 80) + np.float32(0.4), np.zeros((60, 80), int)
    label[10:] = 255
    pixels = np.asarray(labelled_crop(crop, label, LABELS, opacity=1))
    assert pixels.shape == (60 + 24 + 10, 2 * 80 + 30, 3)
    assert np.array_equal(pixels[24:84, 10:90], image(60, 80))
    assert np.all(pixels[24:34, 100:180] == (200, 0, 0))
    assert np.array_equal(pixels[34:84, 100:180], image(60, 80)[10:])


def test_a_contact_sheet_holds_every_picture(tmp_path):
    pictures = [np.full((10 + n, 20, 3), 50 * n, np.uint8) for n in range(5)]
    sheet = contact_sheet(pictures, tmp_path / "sheet.png", columns=2, labels=LABELS)
    assert sheet.size == Image.open(tmp_path / "sheet.png").size
    pixels = np.asarray(contact_sheet(pictures, columns=2))
    assert pixels.shape == (11 + 13 + 14, 40, 3)
    assert np.all(pixels[-14:, :20] == 200)
    assert np.all(pixels[-14:, 20:] == 255)


def test_an_empty_contact_sheet_is_refused():
    with pytest.raises(KerassegError, match="needs a picture and a column; got 0 and 1"):
        contact_sheet([])
