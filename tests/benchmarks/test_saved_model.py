import argparse

import pytest

from benchmarks import saved_model


def test_the_table_compares_with_the_keras_model():
    found = {
        saved_model.KERAS: {"pixels": 0.5, "files": 0.01, "memory": 1.0},
        "served": {"export": 3.0, "load": 1.0, "pixels": 0.4, "memory": 0.7},
    }
    lines = saved_model.table(found).splitlines()
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == [
        *("served", "3.000", "1.000", "0.400", "-", "-", "-", "0.700", "0.800")
    ]
    assert "alone: 0.0100 s" in lines[-1]


@pytest.mark.slow
def test_the_variants_take_turns_with_the_keras_model(tmp_path):
    options = argparse.Namespace(
        network="LightWeightRefineNet",
        backbone="mobilenetv2",
        settings={"filters": 8, "coarse_filters": 8},
        side=64,
        variants=["unfrozen", "served"],
        precision=None,
        rounds=1,
    )
    found = saved_model.measure(options, str(tmp_path))
    assert [*found] == [saved_model.KERAS, "unfrozen", "served"]
    for name in ("unfrozen", "served"):
        assert {"export", "load", "memory", *saved_model.SIGNATURES} <= found[name].keys()
        assert all(value > 0 for value in found[name].values())
    assert found[saved_model.KERAS]["files"] > 0
