import pytest

from kerasseg.command_line import program
from kerasseg.errors import KerassegError


def _program(error: BaseException | None = None):
    @program
    def main(arguments=None):
        """What it does."""
        if error is not None:
            raise error
        print(arguments)

    return main


def test_returns_0_when_it_ends_well(capsys):
    assert _program()(["--verbose"]) == 0
    assert capsys.readouterr().out == "['--verbose']\n"


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
