import importlib
import os

import pytest

from kerasseg.command_line import program
from kerasseg.errors import KerassegError
from training.train import main


def _program(error: BaseException | None = None, answer: int | None = None):
    @program
    def main(arguments=None):
        """What it does."""
        if error is not None:
            raise error
        print(arguments)
        return answer

    return main


def test_returns_0_when_it_ends_well(capsys):
    assert _program()(["--verbose"]) == 0
    assert capsys.readouterr().out == "['--verbose']\n"


@pytest.mark.parametrize("answer", [0, 1])
def test_returns_what_the_program_answers(answer):
    assert _program(answer=answer)() == answer


def test_bad_input_is_its_message_alone_and_status_2(capsys):
    assert _program(KerassegError("no such file: x.png."))() == 2
    printed = capsys.readouterr()
    assert printed.err == "error: no such file: x.png.\n"
    assert printed.out == ""


def test_interruption_is_status_130(capsys):
    assert _program(KeyboardInterrupt())() == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        _program(ZeroDivisionError())()


def test_keeps_the_name_and_docstring_of_the_program():
    assert (_program().__name__, _program().__doc__) == ("main", "What it does.")


@pytest.mark.parametrize("package", ["training", "export"])
@pytest.mark.parametrize(("given", "level"), [(None, "2"), ("0", "0")])
def test_tensorflow_is_asked_for_silence_before_it_is_imported(package, given, level, monkeypatch):
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL")
    if given is not None:
        monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", given)
    importlib.reload(importlib.import_module(package))
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == level


def test_the_help_of_training_has_examples_and_says_how_it_ends(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "python -m training.train training/recipes/quickstart.toml\n" in said
    assert "Ctrl-C keeps the weights of the moment" in said
    assert "exit status: 0; " in said
    assert max(map(len, said.splitlines())) <= 100
