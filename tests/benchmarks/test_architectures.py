"""The program that measures the architectures: its table, and one small run."""

import re
from pathlib import Path

import pytest

from benchmarks import architectures

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


def measured(label, seconds, macs, modes=architectures.MODES):
    one = {"parameters": 2_000_000, "macs": macs, "seconds": seconds, "peak": 1_200_000_000}
    return {"label": label, "backbone": "resnet50", **dict.fromkeys(modes, one)}


def test_costs_stand_beside_those_of_dilated_fcn():
    results = [measured("DilatedFCN", 2.0, 138e9), measured("EfficientFCN", 0.5, 39.1e9)]
    lines = [architectures._line(result, results) for result in results]
    assert lines == [
        "| DilatedFCN | resnet50 | 2.0 M | 138.0 | 2.00 s | 2.00 s | 1.00 | 1.2 GB | 2.00 s "
        "| 1.2 GB |",
        "| EfficientFCN | resnet50 | 2.0 M | 39.1 (0.28) | 0.50 s (0.25) | 0.50 s (0.25) | 1.00 "
        "| 1.2 GB | 0.50 s (0.25) | 1.2 GB |",
    ]


def test_what_was_not_measured_stays_empty():
    results = [
        measured("DilatedFCN", 2.0, 138e9, ("float32",)),
        measured("RefineNet", 3.0, 69e9, ("training",)),
    ]
    assert architectures._line(results[1], results) == (
        "| RefineNet | resnet50 | 2.0 M | 69.0 (0.50) |  |  |  |  | 3.00 s | 1.2 GB |"
    )


@pytest.mark.slow
def test_a_small_run_prints_its_rows_and_leaves_the_page(capsys):
    before, networks = PAGE.read_text(), ("DilatedFCN",)
    small = ["--backbones", "resnet50", "--size", "64", "64", "--repeats", "1", "--print-only"]
    architectures.main([*small, "--networks", *networks])
    assert PAGE.read_text() == before
    header, _, *lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [row[0] for row in rows] == list(networks)
    assert {len(row) for row in rows} == {header.count("|") - 1}
    assert {row[1] for row in rows} == {"resnet50"}
    for _, _, parameters, gmac, *_, step, memory in rows:
        assert re.fullmatch(r"\d+\.\d M", parameters)
        assert re.fullmatch(r"\d+\.\d( \(\d+\.\d\d\))?", gmac)
        assert re.fullmatch(r"\d+\.\d\d s( \(\d+\.\d\d\))?", step)
        assert re.fullmatch(r"\d+\.\d GB", memory)
