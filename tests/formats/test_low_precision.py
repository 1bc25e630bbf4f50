import numpy as np
import pytest

import kerasseg
from kerasseg.formats import open_artifact
from tests.formats.examples import batch, network, probabilities


@pytest.mark.parametrize(("precision", "most"), [("float16", 0.005), ("int8", 0.1)])
def test_litert_takes_any_size_in_every_precision(precision, most, model, photos, tmp_path):
    images = photos if precision == "int8" else None
    path = tmp_path / "out.tflite"
    kerasseg.export_litert(model, path, precision=precision, calibration_images=images)
    session = open_artifact(path, threads=1)
    assert session.record.precision == precision
    assert np.abs(session.run(photos[0][None]) - probabilities(model, photos[0][None])).max() < most
    for shape in ((2, 45, 77), (1, 1, 1)):
        found = session.run(batch(shape))
        np.testing.assert_allclose(found.sum(-1), np.ones(shape), atol=0.05)


@pytest.mark.slow
def test_openvino_stores_half_and_computes_in_what_it_is_told(tmp_path):
    sizes = {}
    for precision in ("float32", "float16"):
        path = tmp_path / f"{precision}.xml"
        kerasseg.export_openvino(network("RefineNet"), path, precision=precision)
        sizes[precision] = path.with_suffix(".bin").stat().st_size
        assert open_artifact(path).record.precision == precision
    assert sizes["float16"] < 0.6 * sizes["float32"]
    session = open_artifact(tmp_path / "float32.xml", precision="bfloat16")
    assert "bfloat16" in session.runtime
    assert np.isfinite(session.run(batch((1, 45, 77)))).all()
