"""The same command on two machines, here two processes that talk over loopback."""

import shutil
import signal
from pathlib import Path

import pytest

from tests.training.equality import (
    ADAMW,
    SGD,
    assert_same_history,
    assert_same_logits,
    assert_same_weights,
    assert_unequal_void,
)
from tests.training.machines import arguments, both
from tests.training.runs import assert_same_result, contents

pytestmark = pytest.mark.slow


def succeeded(ended):
    assert [each.status for each in ended] == [0, 0], "\n".join(each.err for each in ended)
    return ended


@pytest.fixture(scope="module")
def two_machines(recipe, data_dir, tmp_path_factory):
    """A run of two machines that nothing disturbed, with dropout and bfloat16."""
    run_dir = tmp_path_factory.mktemp("machines") / "run"
    return run_dir, succeeded(both(arguments(recipe, data_dir, run_dir)))


def test_the_chief_alone_reports(two_machines):
    _, (chief, other) = two_machines
    assert "mean IoU" in chief.out
    assert "trains along" not in chief.out
    assert len(other.out.splitlines()) == 2
    assert other.out.splitlines()[1].endswith(", reports")


def test_the_run_directory_is_that_of_one_machine(two_machines, undisturbed):
    run_dir, _ = two_machines
    boards = [
        len([path for path in run.rglob("events*") if "validation" in str(path)])
        for run in (run_dir, undisturbed)
    ]
    assert boards == [2, 2]  # the scalars, and the pictures
    named = [
        {name for name in contents(path) if "events" not in name} for path in (run_dir, undisturbed)
    ]
    assert named[0] == named[1]


def test_under_sgd_they_learn_what_one_does(train, recipe, data_dir, tmp_path):
    assert_unequal_void(data_dir)
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, *SGD) == 0
    succeeded(both(arguments(recipe, data_dir, two, *SGD)))
    assert_same_history(two, one)
    assert_same_weights(two, one)


def test_under_adamw_they_learn_what_one_does(train, recipe, data_dir, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert train(one, *ADAMW) == 0
    succeeded(both(arguments(recipe, data_dir, two, *ADAMW)))
    assert_same_history(two, one)
    assert_same_logits(two, one)


@pytest.mark.parametrize("killed", [0, 1], ids=["the chief", "another"])
def test_one_is_killed_and_both_go_on(two_machines, recipe, data_dir, tmp_path, killed):
    run_dir = tmp_path / "run"
    command = arguments(recipe, data_dir, run_dir)
    ended = both(command, killed=killed, kill_at=3)  # two steps an epoch
    assert ended[killed].status == -signal.SIGKILL
    left = ended[1 - killed]
    assert left.status == 2
    assert left.seconds < 60
    assert "another worker is gone" in left.message
    assert "Start the same command again on every machine" in left.message

    chief, _ = succeeded(both(command))
    assert "going on after epoch 1 of 3" in chief.out
    assert_same_result(run_dir, two_machines[0])


def test_a_run_of_two_machines_goes_on_with_one(two_machines, train, tmp_path, capsys):
    run_dir = Path(shutil.copytree(two_machines[0], tmp_path / "run"))
    (run_dir / "model.keras").unlink()
    assert train(run_dir) == 0
    assert "going on after epoch 3 of 3" in capsys.readouterr().out
    assert_same_result(run_dir, two_machines[0])


def test_a_chief_that_refuses_leaves_nobody_waiting(recipe, data_dir, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    chief, other = both(arguments(recipe, data_dir, tmp_path))
    assert (chief.status, other.status) == (2, 2)
    assert "is not empty and holds no run" in chief.message
    assert "another worker is gone" in other.message
    assert other.seconds < 60


def test_machines_with_other_data(recipe, data_dir, tmp_path):
    elsewhere = Path(shutil.copytree(data_dir, tmp_path / "data"))
    for kind, suffix in (("images", ".jpg"), ("labels", ".png")):
        (elsewhere / f"val/{kind}/003{suffix}").unlink()
    command = arguments(recipe, data_dir, tmp_path / "run")
    ended = both(command, more=[(), ("--data-dir", str(elsewhere))])
    for each in ended:
        assert each.status == 2
        assert each.message.startswith("error: the data on 127.0.0.1:")
        assert "is not that of the chief" in each.message
    assert not (tmp_path / "run").exists()


def test_a_run_directory_that_only_the_chief_sees(two_machines, recipe, data_dir, tmp_path):
    run_dir = Path(shutil.copytree(two_machines[0], tmp_path / "run"))
    command = arguments(recipe, data_dir, run_dir)
    elsewhere = ("--run-dir", str(tmp_path / "elsewhere"))
    chief, other = both(command, more=[(), elsewhere])
    assert "the chief goes on after epoch 3, and this machine sees no " in other.message
    assert "a file system that all machines share" in other.message
    assert (chief.status, other.status) == (2, 2)
