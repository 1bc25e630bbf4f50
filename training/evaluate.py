"""Evaluates a run on a split: python -m training.evaluate RUN [--protocol refinenet] [--flip].

Prints the IoU of every class and writes into evaluation/ of the run directory: NAME.json for
programs, NAME.md for a pull request, NAME.html to look at, and NAME.npz with the counts of each
image, by which training.compare compares runs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasseg.command_line import program
from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.options import WEIGHTS, add_protocol_options, protocol_from


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluates and leaves the numbers in the run."""
    options = _parser().parse_args(arguments)
    from kerasseg.evaluation import Tally, image_counts, iou_table
    from kerasseg.evaluation.inference.protocol import name_of
    from kerasseg.evaluation.report import of_run
    from kerasseg.evaluation.result import writing
    from kerasseg.evaluation.result.wording import tile_lines
    from kerasseg.evaluation.result.worst import worst_images
    from kerasseg.recipe import read_recipe
    from kerasseg.run import Run

    protocol, run = protocol_from(options), Run.open(options.run)
    if options.batch_size < 1:
        raise KerassegError(f"--batch-size {options.batch_size}: give at least 1.")
    name = options.split or read_recipe(run.file("recipe.toml")).data.validation_split
    file = of_run.result_file(run, name, protocol, options.weights, options.name)
    writing.check_free(file, options.overwrite)
    split, labels = of_run.find_split(run, name, options.data_dir)
    model, devices = run.load_model(WEIGHTS[options.weights]), tuple(options.devices)
    tally = Tally(labels, calibration=options.calibration)
    found, seconds = of_run.evaluate_model(
        model, split, labels, protocol, batch_size=options.batch_size, devices=devices, tally=tally
    )
    facts: dict[str, Any] = {
        "split": name,
        "protocol": protocol.to_json(),
        "protocol_name": name_of(protocol),
        "weights": options.weights,
    }
    if protocol.tile:
        facts["tile_differences"] = of_run.differences_of_tiles(model, split, protocol)
    result = writing.result_of(found, tally.details, seconds, split, labels, facts)
    worst = worst_images(model, split, labels, found, protocol)
    writing.write_result(run, file, result, image_counts(found, split, labels), worst)
    print(iou_table(labels.class_names, found.confusion))
    for line in tile_lines(result):
        print(line)
    print(f"{len(split)} images, {len(split) / seconds:.1f} a second: {file.with_suffix('.html')}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("run", metavar="RUN", type=Path, help="a run directory of training.train")
    add("--data-dir", metavar="DIR", help="where the data lie, if not where the recipe says")
    add("--split", default="", help="what to evaluate on (default: the recipe's validation split)")
    add_protocol_options(parser)
    add("--batch-size", type=int, default=4, metavar="N", help="images of one size at once")
    add("--devices", nargs="+", default=[], metavar="NAME", help="as GPU:0 GPU:1 (default: one)")
    add("--calibration", action="store_true", help="of probabilities too, which takes longer")
    add("--name", default="", help="of the files (default: SPLIT-PROTOCOL-WEIGHTS)")
    add("--overwrite", action="store_true", help="replaces the files if they are there")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
