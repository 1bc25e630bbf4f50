import sys

import av
import numpy as np
import pytest
from PIL import Image

from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.video_files import VideoReader, video_writer


def pictures(count=30, height=48, width=64):
    """Noise around a grey that gets brighter from picture to picture, by 5."""
    generator = np.random.default_rng(0)
    for number in range(count):
        yield (generator.integers(0, 100, (height, width, 3)) + 5 * number).astype(np.uint8)


def write_video(path, count=30, codec="libx264", options=None):
    """A video of 25 frames a second, as a camera would write it."""
    with av.open(str(path), "w", options=options or {}) as file:
        stream = file.add_stream(codec, rate=25)
        stream.codec_context.gop_size = 10
        stream.height, stream.width = 48, 64
        for picture in pictures(count):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def read(path):
    with VideoReader(path) as video:
        return [(frame.seconds, frame.pixels()) for frame in video.frames()]


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx-vp9")],
)
def test_every_frame_comes_in_its_order_and_at_its_time(tmp_path, name, codec):
    found = read(write_video(tmp_path / name, codec=codec))
    assert [frame.shape for _, frame in found] == [(48, 64, 3)] * 30
    assert [round((frame.mean() - 49.5) / 5) for _, frame in found] == list(range(30))
    np.testing.assert_allclose([time for time, _ in found], np.arange(30) / 25, atol=1e-3)


def test_what_is_written_is_read_again_at_its_time(tmp_path):
    times = [0, 0.04, 0.5, 0.501, 2]
    shown = list(pictures(5, height=33, width=47))
    with video_writer(tmp_path / "a.mp4") as add:
        for time, picture in zip(times, shown, strict=True):
            add(time, picture)
    found = read(tmp_path / "a.mp4")
    np.testing.assert_allclose([time for time, _ in found], times, atol=1e-4)
    for (_, frame), picture in zip(found, shown, strict=True):
        assert frame.shape == (34, 48, 3)
        difference = frame[:33, :47].astype(float).mean(-1) - picture.mean(-1)
        assert np.abs(difference).mean() < 10


def test_a_last_frame_that_is_shown_for_long_is_no_fault(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg4", rate=25)
        stream.height, stream.width = 48, 64
        packets = []
        for picture in pictures(3):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            packets += stream.encode(frame)
        packets += stream.encode(None)
        packets[-1].duration = 100  # of the stream's 25 a second
        file.mux(packets)
    with VideoReader(path) as video:
        assert video._seconds > 4
        assert len(list(video.frames())) == 3


def test_times_that_do_not_grow_are_moved_on(tmp_path):
    with video_writer(tmp_path / "a.mp4") as add:
        for picture in pictures(3):
            add(0.0, picture)
    assert len(read(tmp_path / "a.mp4")) == 3


def test_a_video_that_was_filmed_upright_is_turned(tmp_path):
    upright = write_video(tmp_path / "a.mp4", count=3)
    plain = read(upright)
    contents = upright.read_bytes()
    place = contents.index(b"tkhd") + 4 + 40  # version 0: 40 bytes before the matrix
    one = (1 << 16).to_bytes(4, "big")
    minus_one = (-(1 << 16)).to_bytes(4, "big", signed=True)
    zero, last = bytes(4), (1 << 30).to_bytes(4, "big")
    assert contents[place : place + 4] == one
    clockwise = zero + one + zero + minus_one + zero + zero + zero + zero + last
    upright.write_bytes(contents[:place] + clockwise + contents[place + 36 :])
    for (_, frame), (_, turned) in zip(plain, read(upright), strict=True):
        np.testing.assert_array_equal(turned, np.rot90(frame, -1))


def frames_until_error(path):
    found = []
    with VideoReader(path) as video, pytest.raises(KerassegError) as raised:
        found.extend(frame.seconds for frame in video.frames())
    assert f"{path.name} is damaged or cut short after {len(found)} frames" in str(raised.value)
    return len(found)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"movflags": "faststart"}),
        ("a.mkv", "libx264", {}),
        ("a.avi", "mpeg4", {}),
        ("a.webm", "libvpx-vp9", {}),
    ],
)
def test_a_video_that_is_cut_short_gives_its_frames_and_says_so(tmp_path, name, codec, options):
    path = write_video(tmp_path / name, codec=codec, options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < frames_until_error(path) < 27


def test_a_video_with_a_hole_gives_the_frames_before_it(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    contents = bytearray(path.read_bytes())
    middle = len(contents) // 2
    contents[middle : middle + 2000] = np.random.default_rng(0).bytes(2000)
    path.write_bytes(contents)
    assert 0 < frames_until_error(path) < 27


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(KerassegError, match=r"a\.mp4 is corrupt, cut short or no video"):
        VideoReader(tmp_path / "a.mp4")
    with pytest.raises(KerassegError, match=r"gone\.mp4 cannot be read: No such file or directory"):
        VideoReader(tmp_path / "gone.mp4")
    with av.open(str(tmp_path / "sound.mp4"), "w") as file:
        stream = file.add_stream("aac", rate=44100)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        sound.sample_rate = 44100
        file.mux(stream.encode(sound))
        file.mux(stream.encode(None))
    with pytest.raises(KerassegError, match=r"sound\.mp4 holds no pictures"):
        VideoReader(tmp_path / "sound.mp4")


def test_a_single_picture_is_a_video_of_one_frame(tmp_path):
    Image.new("RGB", (32, 32)).save(tmp_path / "a.png")
    assert len(read(tmp_path / "a.png")) == 1


def test_nothing_is_left_of_a_video_that_could_not_be_written(tmp_path):
    def write():
        with video_writer(tmp_path / "a.mp4") as add:
            add(0.0, np.zeros((32, 32, 3), np.uint8))
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write()
    assert list(tmp_path.iterdir()) == []


def test_a_library_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(KerassegError, match=r'pip install "kerasseg\[video\]"'):
        VideoReader(tmp_path / "a.mp4")
