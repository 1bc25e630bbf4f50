"""What records are made from."""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from kerasseg.data.examples import Example, Problem, read_example
from kerasseg.data.pair import Pair


class ExampleSource(Protocol):
    """Encoded examples of which any range can be read, in several threads at once.

    Attributes:
        identity: Changes with the names of the examples and their order.
        num_bytes: About how many there are.
    """

    identity: str
    num_bytes: int

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Iterator[Example | Problem]:
        """Gives the examples of a range, or why they cannot be read."""


class PairSource:
    """Pairs of files.

    Args:
        pairs: Image and label files.
    """

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self.pairs = list(pairs)
        names = "\n".join(f"{pair.image.name} {pair.label.name}" for pair in self.pairs)
        self.identity = hashlib.sha256(names.encode()).hexdigest()
        with ThreadPoolExecutor() as pool:
            self.num_bytes = sum(pool.map(_length, self.pairs))

    def __len__(self) -> int:
        return len(self.pairs)

    def read(self, start: int, stop: int) -> Iterator[Example | Problem]:
        """Gives the contents of the pairs of a range."""
        return map(read_example, self.pairs[start:stop])


def _length(pair: Pair) -> int:
    # A file that is missing is named when it is read.
    return sum(path.stat().st_size for path in (pair.image, pair.label) if path.exists())
