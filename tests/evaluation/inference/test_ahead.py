import threading

import pytest

from kerasseg.evaluation.inference.ahead import ahead


def test_the_next_item_is_made_while_one_is_used():
    made = threading.Event()

    def items():
        yield 1
        made.set()
        yield 2

    found = ahead(items())
    assert next(found) == 1
    assert made.wait(timeout=10)
    assert list(found) == [2]


def test_no_more_than_one_is_made_ahead():
    count = []
    found = ahead(count.append(number) or number for number in range(9))
    assert next(found) == 0
    found.close()
    assert len(count) == 2


def test_what_goes_wrong_is_raised_in_its_place():
    def items():
        yield 1
        raise OSError("gone")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)
