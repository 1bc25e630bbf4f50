import argparse

import pytest

from benchmarks import saved_model
from tests.processes import CHECKOUT


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


def test_goals_that_are_reached_are_not_told():
    served = {"pixels": 0.4, "export": 59.0, "load": 4.0}
    assert saved_model.goals_missed({saved_model.KERAS: {"pixels": 0.4}, "served": served}) == []
    assert saved_model.goals_missed({saved_model.KERAS: {"pixels": 0.4}}) == []


def test_every_network_has_its_table_on_the_page(monkeypatch, tmp_path, capsys):
    slow = {"EfficientFCN": 0.4, "RefineNet": 0.6}
    monkeypatch.setattr(
        saved_model,
        "measure",
        lambda options, folder: {
            saved_model.KERAS: {"pixels": 0.5},
            "served": {"pixels": slow[options.network], "export": 9.0, "load": 1.0},
        },
    )
    page = tmp_path / "serving.md"
    page.write_text((CHECKOUT / "docs/serving.md").read_text())
    with pytest.raises(SystemExit, match=r"^RefineNet: pixels took 1.200 of compiled Keras"):
        saved_model.main(["--docs", str(page)])
    text = page.read_text()
    assert "EfficientFCN on `resnet101`, 512x512 pixels:" in text
    assert "| served | 9.000 | 1.000 | 0.600 | - | - | - | - | 1.200 |" in text


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
