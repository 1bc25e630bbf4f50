"""Communication against computation for RefineNet-101: python -m benchmarks.scaling.

Nothing is measured: the program states formulas, fills in assumptions, and writes the table of
docs/scaling.md. Change the assumptions to those of your machines and run it again.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page_table

PROGRAM = "benchmarks/scaling.py"
PAGE = Path("docs/scaling.md")
SIZES = (8, 16, 32, 64, 128, 256)
NETWORKS = (25, 100, 400)
HEADER = "| GPUs | network, Gb/s | all-reduce, ms | efficiency, one after the other | hidden |"


@dataclass(frozen=True)
class Assumptions:
    """What the table depends on; the first two are those of the network, the others guesses.

    Attributes:
        parameters: Of RefineNet on a ResNet-101, each with a gradient of 4 bytes.
        macs: Multiply-adds of the forward pass for one image of 512x512.
        images: Of one step on one GPU.
        flops: Floating-point operations a second that one GPU keeps up with in bfloat16: about a
            third of an A100's 312e12.
        gpus_per_machine: GPUs that share one network interface.
        inside: Bytes a second of a ring within a machine.
        hop: Seconds that a message takes from one GPU of a ring to the next.
    """

    parameters: float = 109.8e6
    macs: float = 235e9
    images: int = 4
    flops: float = 100e12
    gpus_per_machine: int = 8
    inside: float = 200e9
    hop: float = 10e-6


def computation(given: Assumptions) -> float:
    """Returns the seconds of a step: forward, and twice that backward; 2 operations a MAC."""
    return 3 * 2 * given.macs * given.images / given.flops


def communication(given: Assumptions, gpus: int, gigabits: float) -> float:
    """Returns the seconds of a ring all-reduce of the gradients.

    Every GPU sends and receives `2 (n - 1) / n` times the gradients in `2 (n - 1)` messages
    (Patarasuk and Yuan, J. Parallel Distrib. Comput. 69, 2009). A ring over machines is as fast
    as its slowest link, and passes each network interface once in each direction.
    """
    one_machine = gpus <= given.gpus_per_machine
    bandwidth = given.inside if one_machine else min(given.inside, gigabits * 1e9 / 8)
    volume = 2 * (gpus - 1) / gpus * 4 * given.parameters
    return volume / bandwidth + 2 * (gpus - 1) * given.hop


def efficiency(compute: float, communicate: float, hidden: bool) -> float:
    """Returns the share of a step that is computation.

    Args:
        compute: Seconds.
        communicate: Seconds.
        hidden: Whether gradients travel while the backward pass, two thirds of the computation,
            still goes on; else they do after it.
    """
    backward = 2 / 3 * compute
    step = compute - backward + max(backward, communicate) if hidden else compute + communicate
    return compute / step


def table(given: Assumptions) -> str:
    """Returns a row for each number of GPUs and network."""
    rows = [HEADER, "|---|---|---|---|---|"]
    for gpus in SIZES:
        inside = gpus <= given.gpus_per_machine
        rows += [_row(given, gpus, each) for each in (NETWORKS[:1] if inside else NETWORKS)]
    return "\n".join(rows)


def _row(given: Assumptions, gpus: int, gigabits: int) -> str:
    compute, communicate = computation(given), communication(given, gpus, gigabits)
    shares = [f"{efficiency(compute, communicate, hidden):.0%}" for hidden in (False, True)]
    network = "none" if gpus <= given.gpus_per_machine else str(gigabits)
    return f"| {gpus} | {network} | {1000 * communicate:.1f} | {' | '.join(shares)} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Replaces the table in docs/scaling.md, or prints that of other assumptions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=Assumptions.images, help="a GPU and step")
    parser.add_argument("--flops", type=float, default=Assumptions.flops, help="a GPU and second")
    options = parser.parse_args(arguments)
    given = Assumptions(images=options.images, flops=options.flops)
    print(table(given))
    if given == Assumptions():
        page_table.replace(PROGRAM, table(given), PAGE)


if __name__ == "__main__":
    main()
