import argparse
import os
import socket

import numpy as np
import pytest

from benchmarks import page_table, serving
from benchmarks.colour_classes import NUM_CLASSES, classes_of, colour_model, pattern
from benchmarks.load import SAMPLED, Load, Question, drive
from kerasseg.serving.preview.server import PreviewOptions, _bound
from tests.processes import CHECKOUT
from tests.serving.examples import encoded

MASKS = [np.full((4, 6), number, np.uint8) for number in range(3)]
QUESTIONS = [Question(bytes([number]), mask) for number, mask in enumerate(MASKS)]


def options(**changes):
    usual = {"model": None, "side": 64, "requests": 200, "each": 40, "concurrency": (1, 4)}
    return argparse.Namespace(**{**usual, **changes})


def test_the_class_of_each_pixel_is_that_of_its_colour():
    pixels = np.random.default_rng(0).integers(0, 256, (1, 40, 50, 3), np.uint8)
    pixels[0, 0, :8, 0] = [0, 63, 64, 127, 128, 191, 192, 255]
    mask = colour_model()(pixels.astype("float32")).numpy()[0].argmax(-1)
    red, green, blue = np.moveaxis(pixels[0].astype(int), -1, 0) // 64
    np.testing.assert_array_equal(mask, 16 * red + 4 * green + blue)
    np.testing.assert_array_equal(classes_of(pixels[0]), mask)
    assert mask.max() < NUM_CLASSES


def test_no_two_pictures_have_the_same_mask():
    masks = {classes_of(pattern(number, 64, 64)).tobytes() for number in range(100)}
    assert len(masks) == 100


def test_each_answer_is_compared_with_its_question():
    def right(image):
        return encoded(MASKS[image[0]])

    load = drive(right, QUESTIONS, 2 * SAMPLED, 4, os.getpid())
    assert (len(load.latencies), load.lost, load.mixed_up) == (2 * SAMPLED, [], 0)
    assert len(load.memory) == 2
    assert min(load.memory) > 1e6
    load = drive(lambda image: encoded(MASKS[0]), QUESTIONS, 30, 4, os.getpid())
    assert load.mixed_up == 20

    def lost(image):
        if image[0] == 1:
            raise ValueError("gone")
        return right(image)

    load = drive(lost, QUESTIONS, 30, 4, os.getpid())
    assert load.lost == ["ValueError: gone"] * 10
    assert serving.faults_of("C API", serving.Measured([], load)) == [
        "C API: 10 requests lost: ValueError: gone"
    ]


def test_the_table_has_a_place_on_the_page(tmp_path):
    load = Load(2, 2.0, [0.01] * 100, [], 0, [10**9] * 40 + [2 * 10**9] * 40)
    found = {"preview": serving.Measured([load], load)}
    page = tmp_path / "serving.md"
    page.write_text((CHECKOUT / "docs/serving.md").read_text())
    page_table.replace(serving.PROGRAM, serving.table(found, options()), page)
    assert "| preview | 2 | 50 | 10.0 | 10.0 | 10.0 |" in page.read_text()
    assert "memory went from 1000 MB to 2000 MB (+1000.0)" in page.read_text()


def test_memory_that_grows_is_a_fault():
    steady = [Load(2, 2.0, [0.01], [], 0, [10**9, last]) for last in (1_019_000_000, 1_021_000_000)]
    faults = [serving.faults_of("preview", serving.Measured([], load)) for load in steady]
    assert faults == [[], ["preview: memory grew from 1000 MB to 1021 MB"]]


def test_answers_on_a_connection_that_is_kept_do_not_wait_for_each_other():
    usual = PreviewOptions(port=0)
    with (
        _bound(usual.host, usual.port) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.slow
def test_both_ways_are_measured_and_their_memory_stays(tmp_path):
    found = serving.measure(options(), tmp_path)
    assert [*found] == [*serving.WAYS]
    for way, measured in found.items():
        # 200 requests are too few for the memory to have settled to 2 %.
        assert [f for f in serving.faults_of(way, measured) if "memory grew" not in f] == []
        assert [load.concurrency for load in measured.rounds] == [1, 4]
        assert [len(load.latencies) for load in measured.rounds] == [40, 40]
        first, last = serving.memory_of(measured.steady)
        assert last < 1.1 * first
