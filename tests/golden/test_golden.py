"""Both decoders give what an independent implementation in another framework gave."""

from pathlib import Path

import numpy as np
import pytest

from kerasseg.errors import KerassegError
from tests.golden.__main__ import LIMIT, main, read_golden
from tests.golden.rebuild import decoder_model, drawn, ratio, rebuilt_logits

HERE = Path(__file__).parent
FILES = {
    "refinenet": HERE / "refinenet_decoder_golden.npz",
    "efficientfcn": HERE / "efficientfcn_decoder_golden.npz",
}
SMALL = ["--decoder", "efficientfcn", "--size", "97", "161", "--classes", "21", "--codewords", "64"]


@pytest.mark.parametrize(
    ("decoder", "prefix", "size", "classes", "codewords"),
    [
        ("refinenet", "refinenet-a", (97, 161), 21, 256),
        ("refinenet", "refinenet-b", (128, 96), 5, 256),
        ("efficientfcn", "efficientfcn-a", (97, 161), 21, 64),
        ("efficientfcn", "efficientfcn-b", (256, 192), 59, 256),
    ],
)
def test_decoder_matches_the_golden_logits(decoder, prefix, size, classes, codewords):
    model = decoder_model(decoder, size, classes, codewords)
    golden = read_golden(FILES[decoder], prefix)
    assert ratio(rebuilt_logits(model, prefix), golden) < LIMIT


def test_a_perturbed_weight_fails():
    golden = read_golden(FILES["efficientfcn"], "efficientfcn-a")
    model = decoder_model("efficientfcn", (97, 161), 21, 64)
    rebuilt_logits(model, "efficientfcn-a")
    kernel = model.get_layer("weighting2").kernel
    kernel.assign(kernel.numpy() * 1.1)
    features = [
        drawn(f"efficientfcn-a/c{number}", (2, *tensor.shape[1:]))
        for number, tensor in enumerate(model.inputs, start=2)
    ]
    assert ratio(np.asarray(model(features)), golden) > 10 * LIMIT


def test_half_pixel_sampling_fails():
    model = decoder_model("efficientfcn", (97, 161), 21, 64)
    golden = read_golden(FILES["efficientfcn"], "efficientfcn-a")
    resizes = [layer for layer in model.layers if hasattr(layer, "align_corners")]
    assert len(resizes) == 4
    for layer in resizes:
        layer.align_corners = False
    assert ratio(rebuilt_logits(model, "efficientfcn-a"), golden) > 10 * LIMIT


def test_tensors_are_drawn_from_their_names():
    assert np.array_equal(drawn("p/a/kernel", (3, 3, 2, 4)), drawn("p/a/kernel", (3, 3, 2, 4)))
    assert not np.array_equal(drawn("p/a/bias", (8,)), drawn("p/b/bias", (8,)))
    assert drawn("p/a/kernel", (1, 1, 10_000, 8)).std() == pytest.approx(0.01, rel=0.02)
    assert drawn("p/a/gamma", (10_000,)).mean() == pytest.approx(1, abs=0.01)
    assert drawn("p/a/var", (10_000,)).min() >= 1
    assert drawn("p/c2", (10_000,)).min() == 0


def test_program_prints_the_ratio(capsys):
    assert main([str(FILES["efficientfcn"]), "--prefix", "efficientfcn-a", *SMALL]) == 0
    prefix, printed = capsys.readouterr().out.split(":")
    assert prefix == "efficientfcn-a"
    assert 0 < float(printed.split("=")[1].split()[0]) < LIMIT


def test_program_fails_where_the_logits_differ(tmp_path, capsys):
    golden = read_golden(FILES["efficientfcn"], "efficientfcn-a")
    golden[1, 2, 3, 4] += 2 * LIMIT * golden.std()
    np.savez(tmp_path / "off.npz", **{"efficientfcn-a": golden})
    assert main([str(tmp_path / "off.npz"), "--prefix", "efficientfcn-a", *SMALL]) == 2
    assert "is not below 0.0001" in capsys.readouterr().err


def test_program_names_the_nearest_prefix(capsys):
    assert main([str(FILES["efficientfcn"]), "--prefix", "efficientfcn-c", *SMALL]) == 2
    message = capsys.readouterr().err
    assert "unknown prefix 'efficientfcn-c': did you mean 'efficientfcn-" in message
    assert len(message.splitlines()) == 1


def test_program_names_a_missing_file(tmp_path, capsys):
    assert main([str(tmp_path / "none.npz"), "--prefix", "p", *SMALL]) == 2
    assert f"no such golden file: {tmp_path / 'none.npz'}" in capsys.readouterr().err


def test_another_number_of_classes_is_an_error():
    with pytest.raises(KerassegError, match=r"\(2, 13, 21, 7\).*\(2, 13, 21, 21\)"):
        ratio(np.zeros((2, 13, 21, 7)), read_golden(FILES["efficientfcn"], "efficientfcn-a"))
