import argparse
from pathlib import Path

import pytest

from kerasseg.errors import KerassegError
from kerasseg.evaluation import PROTOCOLS, Protocol, protocol_of
from kerasseg.evaluation.prediction.options import add_view_options

ROOT = Path(__file__).parents[3]
NUMBERS = {5: "five", 6: "six"}


def test_the_papers_protocols_by_name():
    assert protocol_of("whole").sees_image_itself
    assert PROTOCOLS["refinenet"] == Protocol(scales=(0.4, 0.6, 0.8, 1, 1.2))
    steps = tuple(0.25 * step for step in range(3, 9))
    assert PROTOCOLS["efficientfcn"] == Protocol(scales=steps, flip=True, multiple=32)
    own = Protocol(scales=(2,))
    assert protocol_of(own) is own


def test_what_is_written_of_the_papers_protocols_is_what_they_are():
    parser = argparse.ArgumentParser()
    add_view_options(parser)
    one, other = (PROTOCOLS[name] for name in ("refinenet", "efficientfcn"))
    assert (one.flip, other.flip) == (False, True)
    five, six = (NUMBERS[len(protocol.scales)] for protocol in (one, other))
    for text in (parser.format_help(), (ROOT / "docs" / "evaluation.md").read_text()):
        words = " ".join(text.replace("`", "").split())
        assert f"refinenet averages the probabilities over {five} scales, not mirrored;" in words
        assert f"efficientfcn over {six}, each mirrored too" in words
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert f"RefineNet's protocol, {five} scales, and predict a folder:" in readme


def test_a_name_that_is_not_known_gets_the_nearest():
    with pytest.raises(KerassegError, match="unknown protocol 'refinet': did you mean 'refinenet'"):
        protocol_of("refinet")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scales": ()}, r"one or more numbers; received \(\)"),
        ({"scales": 2}, "one or more numbers; received 2"),
        ({"scales": (0,)}, "above 0 and at most 16; received 0"),
        ({"scales": (float("nan"),)}, "received nan"),
        ({"multiple": 0}, "multiple is a whole number of at least 1; received 0"),
        ({"tile": 500}, "tile is a multiple of 32 or 0; received 500"),
        ({"tile": -32}, "tile is a multiple of 32 or 0; received -32"),
        ({"tile": 64, "overlap": 16}, "overlap is a multiple of 32 or 0; received 16"),
        ({"tile": 64, "overlap": 64}, "overlap is at most half of tile; received overlap 64 with"),
        ({"tile": 64, "overlap": 32, "margin": 17}, "at most half of overlap; received 17"),
    ],
)
def test_what_cannot_be_is_refused(arguments, message):
    with pytest.raises(KerassegError, match=message):
        Protocol(**arguments)
