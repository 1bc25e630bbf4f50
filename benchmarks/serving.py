"""Measures a served SavedModel under load, and that no answer is lost or another question's.

    python -m benchmarks.serving [--requests 5000] [--each 1000] [--write]
    python -m benchmarks.serving --model served/leaves

Two ways lead to the SavedModel: `preview`, the REST server of `export.preview` in a process of its
own, asked by `SegmentationClient`; and `C API`, a process that loads it as TensorFlow Serving does,
asked by its own threads. Each picture is a pattern that the served network, made for this, maps to
a mask known beforehand, and every mask is compared with it: figures are those of all that is around
a network, not of one. With `--model` an exported model is asked, and the masks that it gives one
after the other are those that it must give under load.

After a round that is not counted each concurrency has `--each` requests; `--requests` more, at 8 at
once, are for the memory of the server, the median within their first and their last thousand.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import page_table
from benchmarks.load import SAMPLED, Load, Question, decode_png, drive, store
from benchmarks.preview_process import preview_process

PROGRAM = "benchmarks/serving.py"
WAYS = ("preview", "C API")
CONCURRENCY = (1, 2, 4, 8, 16, 32)
STEADY, THOUSAND, PICTURES = 8, 1000, 32
HEADER = (
    "| way | requests at once | answers a second | p50 (ms) | p95 (ms) | p99 (ms) |\n"
    "|---|---|---|---|---|---|"
)
Round = Callable[[int, int], Load]  # requests and concurrency to what they showed
MOST_GROWTH = 1.02  # of the memory, from the first to the last thousand requests


@dataclass(frozen=True)
class Measured:
    """What one way showed: a round for each concurrency, and the long one."""

    rounds: list[Load]
    steady: Load


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the table; with `--write` it replaces that of the page."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
    print(table(found, options))
    if options.write:
        page_table.replace(PROGRAM, table(found, options), options.page)
    faults = [fault for way, measured in found.items() for fault in faults_of(way, measured)]
    if faults:
        raise SystemExit("\n".join(faults))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", type=Path, metavar="OUT", help="base path of an exported model")
    add("--side", type=int, default=256, help="of the square images (default: 256)")
    add("--requests", type=int, default=5000, help="of the long round (default: 5000)")
    add("--each", type=int, default=1000, help="requests a concurrency (default: 1000)")
    add("--concurrency", type=int, nargs="+", default=CONCURRENCY)
    add("--write", action="store_true", help="replaces the table of the page")
    add("--page", type=Path, default=Path("docs/serving.md"))
    return parser


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Measured]:
    """Returns what each way showed, one after the other."""
    base = options.model or _exported(folder)
    questions = _patterns(options.side)
    found = {}
    for way, opened in zip(WAYS, (_preview, _c_api), strict=True):
        with opened(base, questions, options.model is not None, folder) as ask:
            ask(max(options.each // 2, 2 * max(options.concurrency)), max(options.concurrency))
            rounds = [ask(options.each, concurrency) for concurrency in options.concurrency]
            found[way] = Measured(rounds, ask(options.requests, STEADY))
    return found


def _exported(folder: Path) -> Path:
    from benchmarks.colour_classes import colour_model
    from kerasseg.serving import export_saved_model

    return export_saved_model(colour_model(), folder / "colours", warmup_images=()).parent


def _patterns(side: int) -> list[Question]:
    from benchmarks.colour_classes import classes_of, pattern

    pictures = [pattern(number, side, side) for number in range(PICTURES)]
    return [Question(_jpeg(picture), classes_of(picture)) for picture in pictures]


def _jpeg(pixels: "object") -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95, subsampling=0)
    return stream.getvalue()


@contextmanager
def _preview(base: Path, questions: list[Question], own: bool, folder: Path) -> Iterator[Round]:
    from kerasseg.serving.client import SegmentationClient

    with preview_process(base) as server, SegmentationClient(server.url, retries=0) as client:

        def ask(image: bytes) -> bytes:
            return client.segment(image).mask_bytes

        if own:
            questions[:] = _answered(ask, questions)
        store(questions, folder)
        yield lambda requests, concurrency: drive(ask, questions, requests, concurrency, server.pid)


def _answered(ask: Callable[[bytes], bytes], questions: Sequence[Question]) -> list[Question]:
    """Returns the questions with the masks that a model gives when it is asked nothing else."""
    answered = [Question(each.image, decode_png(ask(each.image))) for each in questions]
    if len({each.mask.tobytes() for each in answered}) < len(answered):
        raise SystemExit("the model gives two of the pictures the same mask: nothing is proven")
    return answered


@contextmanager
def _c_api(base: Path, questions: list[Question], own: bool, folder: Path) -> Iterator[Round]:
    from kerasseg.serving.versions import latest_version

    program = Path(__file__).with_name("load.py")
    command = [sys.executable, "-I", str(program), str(latest_version(base)), str(folder)]
    quiet, pipe = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}, subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=quiet) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        to, answers = process.stdin, process.stdout

        def ask(requests: int, concurrency: int) -> Load:
            print(
                json.dumps({"requests": requests, "concurrency": concurrency}), file=to, flush=True
            )
            line = answers.readline()
            if not line:
                raise SystemExit("the process of the C API has ended")
            return Load(**json.loads(line))

        yield ask


def memory_of(load: Load) -> tuple[float, float]:
    """Returns the server's memory within the first and the last thousand requests, in MB."""
    count = min(THOUSAND // SAMPLED, max(len(load.memory) // 2, 1))
    parts = load.memory[:count], load.memory[-count:]
    first, last = (statistics.median(part) / 1e6 for part in parts)
    return first, last


def faults_of(way: str, measured: Measured) -> list[str]:
    """Returns what must not be: lost requests, answers to other questions, memory that grows."""
    faults = []
    for load in (*measured.rounds, measured.steady):
        if load.lost:
            faults.append(f"{way}: {len(load.lost)} requests lost: {load.lost[0]}")
        if load.mixed_up:
            faults.append(f"{way}: {load.mixed_up} answers are not those of their questions")
    first, last = memory_of(measured.steady)
    if last > MOST_GROWTH * first:
        faults.append(f"{way}: memory grew from {first:.0f} MB to {last:.0f} MB")
    return faults


def table(found: dict[str, Measured], options: argparse.Namespace) -> str:
    """Returns the figures in Markdown."""
    rows = [_row(way, load) for way, measured in found.items() for load in measured.rounds]
    notes = [_note(way, measured) for way, measured in found.items()]
    model = f"`{options.model.name}`" if options.model else "the network of known masks"
    what = f"Images of {options.side}x{options.side} as JPEG, {model}, {os.cpu_count()} cores."
    return "\n".join([HEADER, *rows, "", what, *notes])


def _row(way: str, load: Load) -> str:
    times = " | ".join(f"{1e3 * load.percentile(share):.1f}" for share in (50, 95, 99))
    return f"| {way} | {load.concurrency} | {load.rate:.0f} | {times} |"


def _note(way: str, measured: Measured) -> str:
    loads = [*measured.rounds, measured.steady]
    asked = sum(len(load.latencies) + len(load.lost) for load in loads)
    lost, mixed_up = sum(len(load.lost) for load in loads), sum(load.mixed_up for load in loads)
    first, last = memory_of(measured.steady)
    steady = len(measured.steady.latencies)
    return (
        f"{way}: of {asked:,} requests {lost} were lost and {mixed_up} mixed up; over {steady:,} "
        f"of them memory went from {first:.0f} MB to {last:.0f} MB ({last - first:+.1f})."
    )


if __name__ == "__main__":
    main()
