import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kerasseg.errors import KerassegError
from kerasseg.visualization import peaked_codewords, weighting_map_picture

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)


def maps_with_peaks(*peaks: tuple[int, float], size: tuple[int, int] = (4, 6)) -> np.ndarray:
    """Returns a map for each peak: its position in the flattened map, and the weight there."""
    maps = []
    for position, weight in peaks:
        flat = np.full(size[0] * size[1], (1 - weight) / (size[0] * size[1] - 1))
        flat[position] = weight
        maps.append(flat.reshape(size))
    return np.stack(maps, -1)


def test_most_peaked_codewords_come_first():
    maps = maps_with_peaks((0, 0.5), (1, 0.9), (2, 0.1), (3, 0.7))
    assert peaked_codewords(maps, 3) == (1, 3, 0)


def test_of_codewords_at_one_position_the_most_peaked_is_taken():
    maps = maps_with_peaks((5, 0.8), (5, 0.9), (2, 0.1), (5, 0.7))
    assert peaked_codewords(maps, 2) == (1, 2)


def test_where_positions_run_out_the_others_follow():
    maps = maps_with_peaks((5, 0.8), (5, 0.9), (2, 0.1), (5, 0.7))
    assert peaked_codewords(maps, 9) == (1, 2, 0, 3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 9), st.integers(1, 12))
def test_codewords_are_there_and_none_is_taken_twice(seed, codewords, count):
    maps = np.random.default_rng(seed).dirichlet(np.ones(6), codewords).T.reshape(2, 3, codewords)
    chosen = peaked_codewords(maps, count)
    assert len(chosen) == len(set(chosen)) == min(count, codewords)
    assert set(chosen) <= set(range(codewords))


def test_one_hot_and_empty_maps_have_an_entropy_too():
    maps = np.zeros((2, 2, 2))
    maps[0, 0, 1] = 1
    assert peaked_codewords(maps) == (0, 1)


def panels(picture: Image.Image) -> list[np.ndarray]:
    pixels = np.asarray(picture)[24:84]
    return [pixels[:, left : left + 90] for left in range(10, pixels.shape[1] - 10, 100)]


def test_image_stands_beside_the_heat_maps_of_the_codewords(tmp_path):
    maps = maps_with_peaks((0, 0.9), (23, 0.8))
    picture = weighting_map_picture(IMAGE, maps, [1, 0], path=tmp_path / "maps.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "maps.png")), np.asarray(picture))
    image, second, first = panels(picture)
    assert np.array_equal(image, IMAGE)
    for heat_map, (top, left), far in ((first, (0, 0), (-1, -1)), (second, (-1, -1), (0, 0))):
        # As bright as it gets at the peak, dark away from it, whatever the peak's weight is.
        assert heat_map[top, left].sum() > 600
        assert heat_map[far].sum() < 60


def test_most_peaked_codewords_are_chosen_by_default():
    maps = maps_with_peaks((0, 0.5), (1, 0.9), (2, 0.1), (3, 0.7))
    chosen = weighting_map_picture(IMAGE, maps, count=2)
    assert np.array_equal(np.asarray(chosen), weighting_map_picture(IMAGE, maps, [1, 3]))
    assert not np.array_equal(np.asarray(chosen), weighting_map_picture(IMAGE, maps, [3, 1]))


def test_float_pixels_show_the_same():
    maps = maps_with_peaks((0, 0.5))
    picture = weighting_map_picture(IMAGE.astype("float32"), maps)
    assert np.array_equal(picture, weighting_map_picture(IMAGE, maps))


def test_map_of_a_single_position():
    assert len(panels(weighting_map_picture(IMAGE, np.ones((1, 1, 3))))) == 4


@pytest.mark.parametrize("number", [-1, 4])
def test_codeword_that_is_not_there(number):
    with pytest.raises(KerassegError, match=rf"codeword {number} is not there: .* of 0\.\.3\."):
        weighting_map_picture(IMAGE, maps_with_peaks(*[(0, 0.5)] * 4), [0, number])


def test_maps_of_a_batch_are_refused():
    with pytest.raises(KerassegError, match=r"weighting_maps\(model, images\)\[0\]; got \(1, 4"):
        weighting_map_picture(IMAGE, maps_with_peaks((0, 0.5))[np.newaxis])


def test_image_of_another_rank_is_refused():
    with pytest.raises(KerassegError, match=r"an image is \(H, W, 3\), RGB; got \(60, 90\)"):
        weighting_map_picture(IMAGE[..., 0], maps_with_peaks((0, 0.5)))


def test_no_codeword_at_all_is_refused():
    with pytest.raises(KerassegError, match="count is at least 1; got 0"):
        peaked_codewords(maps_with_peaks((0, 0.5)), 0)
