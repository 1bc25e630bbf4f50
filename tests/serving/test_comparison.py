import numpy as np
import pytest

from kerasseg.errors import KerassegError
from kerasseg.serving import Comparison
from tests.serving.examples import encoded, picture

EXPECTED = np.array([[[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]], [[0.4, 0.2, 0.4], [0.1, 0.1, 0.8]]])
MASK = np.array([[0, 1], [0, 2]], np.uint8)
CONFIDENCE = EXPECTED.max(-1).mean()


def compared(signature="pixels", expected=EXPECTED, **answer):
    comparison = Comparison(signature)
    comparison.add(expected, {name: np.asarray(array)[None] for name, array in answer.items()}, 0)
    return comparison


def test_the_same_mask_does_not_differ():
    comparison = compared(mask=MASK, confidence=CONFIDENCE)
    assert (comparison.probability, comparison.other_class, comparison.confidence) == (0, 0, 0)
    assert (comparison.answers, comparison.pixels) == (1, 4)
    assert comparison.within(1e-4)


def test_a_tie_counts_as_another_class_but_not_as_disagreement():
    comparison = compared(mask=[[0, 1], [2, 2]], confidence=CONFIDENCE)
    assert (comparison.probability, comparison.other_class) == (0, 1)
    assert comparison.within(1e-4)


def test_a_wrong_class_counts_by_what_it_loses():
    comparison = compared(mask=[[1, 1], [0, 2]], confidence=CONFIDENCE)
    assert comparison.probability == pytest.approx(0.3)
    assert comparison.other_class == 1
    assert not comparison.within(0.01)


def test_a_png_is_read_as_class_ids():
    file = np.array(encoded(MASK), object)
    assert compared(mask_bytes=file, confidence=CONFIDENCE).within(1e-4)
    assert not compared(mask_bytes=file, confidence=CONFIDENCE + 0.2).within(1e-4)


def test_probabilities_are_compared_one_by_one():
    off = EXPECTED.copy()
    off[1, 1] = (0.1, 0.12, 0.78)
    comparison = compared(probabilities=off)
    assert comparison.probability == pytest.approx(0.02)
    assert comparison.confidence == pytest.approx(0.005)
    assert comparison.other_class == 0


def test_a_nan_is_a_disagreement_whatever_comes_after():
    comparison = compared(probabilities=np.where(EXPECTED == 0.8, np.nan, EXPECTED))
    comparison.add(EXPECTED, {"probabilities": EXPECTED[None]}, 0)
    assert not comparison.within(1)


def test_no_answers_are_no_agreement():
    assert not Comparison("pixels").within(1)


def overlaid(expected, **answer):
    comparison = Comparison("overlay")
    comparison.add_overlay(expected, {name: [value] for name, value in answer.items()}, 0)
    return comparison


def test_an_overlay_is_compared_by_its_mean_difference_with_a_tolerance():
    shown, grey = picture(40, 56), np.full((40, 56, 3), 100, np.uint8)
    file = encoded(shown, "JPEG", quality=95)
    assert 0 < overlaid(shown, overlay_bytes=file, error=b"").colour < 5
    off = overlaid(grey, overlay_bytes=encoded(grey + 1))
    assert (off.colour, off.answers, off.shows_its_colours) == (1, 1, True)
    off.add_overlay(grey, {"overlay_bytes": [encoded(grey - 3)]}, 0)
    off.add_overlay(grey, {"overlay_bytes": [encoded(grey)]}, 0)
    assert (off.colour, off.answers, off.shows_its_colours) == (3, 3, False)
    assert off.within(1e-4)


def test_an_overlay_that_is_none_is_refused():
    expected = picture(40, 56)
    with pytest.raises(KerassegError, match="overlay refuses image 0 of its batch: too large"):
        overlaid(expected, overlay_bytes=b"", error=b"too large")
    with pytest.raises(KerassegError, match="a picture of 39x56 pixels to an image of 40x56"):
        overlaid(expected, overlay_bytes=encoded(expected[1:]), error=b"")
    with pytest.raises(KerassegError, match="overlay 0 cannot be decoded"):
        overlaid(expected, overlay_bytes=b"", error=b"")


def test_answers_of_another_model_are_refused():
    with pytest.raises(KerassegError, match=r"classes up to 3.*exported from another model"):
        compared(mask=[[0, 1], [0, 3]], confidence=CONFIDENCE)
    with pytest.raises(KerassegError, match=r"answers \[1, 2\] pixels"):
        compared(mask=MASK[:1], confidence=CONFIDENCE)
    with pytest.raises(KerassegError, match="2 classes"):
        compared(probabilities=EXPECTED, expected=EXPECTED[..., :2])
