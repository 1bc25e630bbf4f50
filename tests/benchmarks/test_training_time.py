"""The estimates of the recipes' headers, from multiply-adds to the sentence."""

import pytest

from benchmarks import training_time
from benchmarks.training_time import (
    ON_TWO_CORES,
    RECIPES,
    camvid_minutes,
    estimate,
    in_words,
    names,
    operations,
    time_of,
    with_estimate,
)

HEADER = """\
# A network.
#
# Published: nothing.
# Time: {}
# Measured: not run here.

[model]
"""


@pytest.fixture
def a_billion_macs(monkeypatch):
    monkeypatch.setattr(training_time, "macs", lambda name: 1e9)


def test_the_operations_of_a_training(a_billion_macs):
    # 80 epochs of 20,210 // 32 batches of 32 crops, forward and twice that backward.
    assert operations("efficientfcn_ade20k") == 2 * 3 * 1e9 * 32 * 631 * 80
    # 10,582 // 6 batches of 6 crops.
    assert operations("light_weight_refinenet_voc2012_sbd") == 2 * 3 * 1e9 * 6 * 1763 * 100


def test_a_recipe_of_a_paper_takes_its_operations_over_the_rate(a_billion_macs):
    seconds = 2 * 3 * 1e9 * 32 * 631 * 80 / 100e12
    assert estimate("efficientfcn_ade20k") == (
        f"estimated, not run: about {seconds / 60:.0f} minutes on one A100, at an assumed "
        "100 TFLOP/s in mixed_bfloat16."
    ).replace(f"{seconds / 60:.0f} minutes", in_words(seconds))


def test_a_small_batch_is_said_to_be_slower(a_billion_macs):
    assert estimate("refinenet_ade20k").endswith("bfloat16, which a batch of 1 will not reach.")


def test_a_recipe_for_two_cores_takes_what_camvid_took(a_billion_macs):
    steps_of_pets, steps_of_camvid = 15 * (3680 // 8), 38 * (367 // 8)
    minutes = camvid_minutes() * steps_of_pets / steps_of_camvid
    assert f"about {in_words(60 * minutes)} on 2 cores" in estimate("oxford_iiit_pet")
    assert "for 100 training photos, by the seconds per step of camvid" in estimate("folder")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(45, "45 seconds"), (1290, "22 minutes"), (5040, "1.4 hours"), (160000, "44 hours")],
)
def test_a_time_in_words(seconds, words):
    assert in_words(seconds) == words


OTHER = "estimated, not run: about 9 hours on one A100, at an assumed 100 TFLOP/s in x."
TOLD = "estimated, not run: about 8 hours on 2 cores, by the seconds of camvid.toml."


@pytest.mark.parametrize("before", [OTHER, OTHER + " The authors had\n# 8 GPUs.", "The authors."])
def test_an_estimate_takes_the_place_of_another_and_the_rest_stays(before):
    rest = before.replace("\n# ", " ").removeprefix(OTHER).strip()
    text = with_estimate(HEADER.format(before), TOLD)
    assert time_of(text) == f"{TOLD} {rest}".strip()
    assert with_estimate(text, TOLD) == text
    assert max(map(len, text.splitlines())) <= 100
    assert text.startswith("# A network.\n#\n# Published: nothing.\n# Time: ")
    assert text.endswith("\n# Measured: not run here.\n\n[model]\n")


def test_every_recipe_that_was_not_run_has_an_estimate():
    assert {*ON_TWO_CORES} < {*names()}
    assert len(names()) == 18
    for name in names():
        assert time_of((RECIPES / f"{name}.toml").read_text()).startswith("estimated, not run: ")


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_the_estimate_of_the_header_is_the_program_s(name):
    assert time_of((RECIPES / f"{name}.toml").read_text()).startswith(estimate(name))
