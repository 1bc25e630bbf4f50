import re
from importlib import import_module
from itertools import pairwise, product

import numpy as np
import pytest

from kerasseg import EfficientFCN, RefineNet
from kerasseg.errors import KerassegError
from kerasseg.evaluation import Predictor, Protocol, predict, tile_differences
from kerasseg.evaluation.inference.tiles import blended, spans
from tests.evaluation.networks import random_image, random_model
from tests.replicas import TWO
from tests.tiny import tiny_backbone

TILES = Protocol(tile=64, overlap=32)


def tiles_of(image, network):
    """What `blended` asks for, from a function of a whole image."""

    def values(rows, columns):
        for row, column in product(rows, columns):
            cut = image[row.start : row.stop, column.start : column.stop]
            yield np.array(network(cut[None]), np.float32)[0]

    return values


def put_together(image, protocol, network):
    whole, count = None, np.zeros(image.shape[:2], int)
    for row, column, values in blended(image.shape[:2], protocol, tiles_of(image, network)):
        if whole is None:
            whole = np.zeros((*image.shape[:2], values.shape[-1]), np.float32)
        place = slice(row, row + values.shape[0]), slice(column, column + values.shape[1])
        whole[place], count[place] = values, count[place] + 1
    assert (count == 1).all()
    return whole


@pytest.mark.parametrize("length", [1, 63, 64, 65, 96, 97, 128, 129, 250, 320, 1000])
@pytest.mark.parametrize("overlap", [0, 32])
def test_tiles_begin_on_the_grid_and_cover_everything(length, overlap):
    found = spans(length, Protocol(tile=64, overlap=overlap, margin=overlap // 8))
    assert all(span.start % 32 == 0 for span in found)
    assert all(span.start <= span.first < span.last <= span.stop for span in found)
    assert all(span.stop - span.start == 64 for span in found[:-1])
    assert (found[0].first, found[-1].last, found[-1].stop) == (0, length, length)
    assert found[-1].stop - found[-1].start > min(length, 64) - 32
    common = overlap - 2 * (overlap // 8)
    for one, other in pairwise(found):
        assert one.last - other.first == common
        assert one.stop - one.last >= overlap // 8
        assert other.first - other.start >= overlap // 8
    for one, other in zip(found, found[2:], strict=False):
        assert one.last <= other.first  # never three at one pixel


@pytest.mark.parametrize("size", [(64, 64), (65, 200), (130, 97), (20, 300)])
@pytest.mark.parametrize("margin", [0, 5, 16])
def test_a_constant_stays_what_it_is_to_the_last_bit(size, margin):
    image, value = random_image(*size), np.float32(0.1)
    protocol = Protocol(tile=64, overlap=32, margin=margin)
    whole = put_together(image, protocol, lambda tile: np.full(tile.shape, value))
    assert (whole == value).all()


# Of the second of two tiles of 64 pixels that have 32 in common, along 96 pixels.
SECOND = np.concatenate([np.zeros(32), (np.arange(32) + 0.5) / 32, np.ones(32)])


@pytest.mark.parametrize("size", [(64, 96), (96, 64)], ids=["columns", "rows"])
def test_weights_go_over_linearly_along_each_axis(size):
    """Each tile says its own number, 0 or 1: what comes out is the second one's weight."""
    numbers = iter([0.0, 1.0])
    image = random_image(*size)
    whole = put_together(image, TILES, lambda tile: np.full(tile.shape, next(numbers)))
    expected = SECOND[:, None] if size[0] == 96 else SECOND
    np.testing.assert_allclose(whole, np.broadcast_to(expected[..., None], whole.shape), atol=1e-6)


def weights_of_tiles(size, protocol, count):
    """The weight of each tile at each pixel, `(H, W, count)`: each says 1 for itself, else 0."""
    numbers = iter(np.eye(count))
    found = put_together(
        random_image(*size),
        protocol,
        lambda tile: np.broadcast_to(next(numbers), (*tile.shape[:3], count)),
    )
    assert next(numbers, None) is None
    return found


def test_where_four_tiles_meet_the_weights_of_rows_and_columns_are_multiplied():
    along = np.stack([1 - SECOND, SECOND])
    expected = np.einsum("ay,bx->yxab", along, along).reshape(96, 96, 4)
    np.testing.assert_allclose(weights_of_tiles((96, 96), TILES, 4), expected, atol=1e-6)


@pytest.mark.parametrize("margin", [0, 5, 16])
def test_the_weights_of_all_tiles_add_up_to_one_everywhere(margin):
    size, protocol = (130, 175), Protocol(tile=64, overlap=32, margin=margin)
    count = len(spans(130, protocol)) * len(spans(175, protocol))
    weights = weights_of_tiles(size, protocol, count)
    assert weights.min() >= 0
    np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-6)
    assert (weights.max(axis=(0, 1)) > 0.9).all()  # in its middle a tile speaks for itself


def test_an_image_no_larger_than_a_tile_is_seen_whole():
    model, image = random_model(), random_image(50, 64)
    np.testing.assert_array_equal(
        predict(model, image, TILES, probabilities=True), predict(model, image, probabilities=True)
    )


def test_a_margin_beyond_the_receptive_field_gives_the_whole_images_values():
    model, image = random_model(side=5), random_image(130, 165)
    whole = predict(model, image, probabilities=True)
    tiled = predict(model, image, Protocol(tile=64, overlap=32, margin=2), probabilities=True)
    np.testing.assert_allclose(tiled, whole, atol=1e-6)
    without = predict(model, image, Protocol(tile=64, overlap=32, margin=0), probabilities=True)
    assert abs(without - whole).max() > 1e-3  # the margin is what makes them equal


def narrow_refinenet():
    with tiny_backbone():
        return RefineNet(
            "tiny", 4, filters=8, coarse_filters=8, pooling_blocks=1, backbone_weights=None
        )


@pytest.mark.slow
@pytest.mark.parametrize("size", [(6144, 32), (32, 6144)], ids=["rows", "columns"])
def test_the_logits_of_refinenet_are_those_of_the_whole_image(size):
    """Cut along one axis at a time: along both, an image of this reach has 38 million pixels."""
    model, image = narrow_refinenet(), random_image(*size).astype(np.float32)
    # Convs and pools at strides 32, 16, 8 and 4 reach 15, 9, 9 and 10 cells far, a resize one
    # more, and the backbone 63 pixels.
    reach = 16 * 32 + 10 * 16 + 10 * 8 + 11 * 4 + 63
    whole = model(image[None]).numpy()[0]
    protocol = Protocol(tile=3584, overlap=1792, margin=860)
    assert protocol.margin > reach
    tiled = put_together(image, protocol, model)
    assert abs(tiled - whole).max() < 1e-4 * whole.std()
    blurred = put_together(image, protocol.in_tiles(128, 64), model)
    assert abs(blurred - whole).max() > 1e-2 * whole.std()


def test_tiles_change_less_the_more_they_overlap():
    model, image = random_model(side=9), random_image(256, 256)
    found = tile_differences(model, image, 128)
    assert list(found) == [0, 32, 64]
    for overlap, share in found.items():
        tiled = predict(model, image, Protocol(tile=128, overlap=overlap))
        assert share == np.mean(tiled != predict(model, image))
        assert 0 < share < 0.5
    assert found[64] < found[0]


def test_differences_have_the_margin_of_the_protocol_as_far_as_it_fits():
    model, image = random_model(side=5), random_image(100, 100)
    found = tile_differences(model, image, 64, protocol=Protocol(tile=64, overlap=32, margin=2))
    assert list(found) == [0, 32]
    assert found[0] > 0
    assert found[32] == 0  # the margin is what a conv of 5x5 sees


def test_the_smallest_tiles_have_no_overlap():
    assert list(tile_differences(random_model(), random_image(40, 70), 32)) == [0]


def test_two_devices_share_the_tiles():
    model, image = random_model(), random_image(70, 250)
    one, two = Predictor(model, TILES), Predictor(model, TILES, TWO)
    np.testing.assert_allclose(
        two.probabilities(image[None]), one.probabilities(image[None]), atol=1e-6
    )


def test_several_devices_without_tiles_are_refused_before_the_image_is_read():
    with pytest.raises(KerassegError, match=r"share the tiles .* \(in Python Protocol\(tile=1024"):
        predict(random_model(), "none.jpg", devices=TWO)


@pytest.mark.parametrize("devices", [TWO[:1], TWO[1:], TWO], ids=["usual", "other", "two"])
def test_devices_are_compiled_for_once_and_see_the_weights_of_the_moment(devices, monkeypatch):
    model, image = random_model(), random_image(70, 120)
    finer = Protocol(tile=32)  # by the same views
    for protocol in (TILES, finer):
        predict(model, image, protocol, devices=devices)
    model.set_weights([-value for value in model.get_weights()])
    expected = [predict(model, image, protocol) for protocol in (TILES, finer)]
    monkeypatch.setattr("kerasseg.evaluation.inference.kept_predictors.Predictor", None)
    for protocol, classes in zip((TILES, finer), expected, strict=True):
        found = predict(model, image, protocol, devices=devices)
        np.testing.assert_array_equal(found, classes)


def test_efficientfcn_is_said_to_see_the_tile_alone_once(capsys):
    with tiny_backbone():
        model = EfficientFCN(
            "tiny", 3, num_codewords=4, fusion_filters=8, codeword_filters=8, backbone_weights=None
        )
    for _ in range(2):
        predict(model, random_image(40, 40), TILES)
    said = capsys.readouterr().err
    name = re.fullmatch(
        f"{model.name}: the codewords of EfficientFCN are made of all that it sees; in tiles of 64 "
        "pixels that is the tile alone, and no overlap makes up for it. Compare with whole images: "
        r"([\w.]+)\.\n",
        said,
    ).group(1)
    package, _, function = name.rpartition(".")
    assert callable(getattr(import_module(package), function))
    predict(random_model(), random_image(40, 40), TILES)
    assert capsys.readouterr().err == ""
