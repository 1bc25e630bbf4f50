import pytest
from hypothesis import given
from hypothesis import strategies as st

from kerasseg.errors import KerassegError
from kerasseg.label_set import LabelSet, default_palette

NAMES = ("road", "car", "sky")
COLOURS = ((128, 64, 128), (0, 0, 142), (70, 130, 180))


def test_void_is_255_unless_told_otherwise():
    assert LabelSet(NAMES).ignore_label == 255
    assert LabelSet(NAMES, ignore_label=11).ignore_label == 11


def test_holds_a_colour_a_class():
    assert LabelSet(NAMES, COLOURS).colours == COLOURS
    assert LabelSet(NAMES).colours == default_palette(3)


def test_lists_become_tuples_and_equal_sets_are_equal():
    labels = LabelSet(list(NAMES), [list(colour) for colour in COLOURS])
    assert labels == LabelSet(NAMES, COLOURS)
    assert hash(labels) == hash(LabelSet(NAMES, COLOURS))
    assert labels.num_classes == 3


@given(st.integers(1, 1000))
def test_colours_of_the_default_palette_differ_from_each_other_and_from_black(num_classes):
    palette = default_palette(num_classes)
    assert len({*palette, (0, 0, 0)}) == num_classes + 1
    assert all(0 <= value <= 255 for colour in palette for value in colour)


def test_default_palette_is_that_of_pascal_voc():
    # aeroplane, bicycle, bird; tv monitor; and the border of objects, label 255
    palette = default_palette(255)
    assert palette[:3] == ((128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert palette[19] == (0, 64, 128)
    assert palette[254] == (224, 224, 192)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((),), "needs at least one class name"),
        ((("road", "car", "road"),), "class names must differ; road comes twice"),
        ((NAMES, COLOURS[:2]), "the palette has 2 colours for 3 classes"),
        ((NAMES, None, 2), r"ignore_label 2 must lie outside the classes 0\.\.2"),
        ((NAMES, None, 0), r"ignore_label 0 must lie outside the classes 0\.\.2"),
        ((NAMES, None, -1), r"ignore_label -1 .* within 0\.\.65535"),
        ((NAMES, None, 65536), r"ignore_label 65536 .* within 0\.\.65535"),
        ((("road",), ((0, 0, 256),)), r"whole numbers of 0\.\.255 \(RGB\); received \(0, 0, 256\)"),
        ((("road",), ((0, -1, 0),)), r"received \(0, -1, 0\)"),
        ((("road",), ((0.5, 0.2, 0.1),)), r"received \(0\.5, 0\.2, 0\.1\)"),
        ((("road",), ((0, 0),)), r"received \(0, 0\)"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(KerassegError, match=message):
        LabelSet(*arguments)


def test_256_classes_need_another_void_label():
    names = tuple(f"class {number}" for number in range(256))
    with pytest.raises(KerassegError, match="ignore_label 255"):
        LabelSet(names)
    assert LabelSet(names, ignore_label=65535).num_classes == 256
