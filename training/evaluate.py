"""Evaluates a run on a split: python -m training.evaluate RUN [--protocol refinenet] [--flip].

Prints the IoU of every class and writes into evaluation/ of the run directory: NAME.json for
programs, NAME.md for a pull request, NAME.html to look at, and NAME.npz with the counts of each
image, by which training.compare compares runs.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from kerasseg.command_line import counted, program
from kerasseg.errors import KerassegError
from kerasseg.evaluation.prediction.options import WEIGHTS, add_protocol_options, protocol_from


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Evaluates and leaves the numbers in the run."""
    options = _parser().parse_args(arguments)
    from kerasseg.evaluation import Tally, image_counts, iou_table
    from kerasseg.evaluation.metrics.class_scores import absent_score
    from kerasseg.evaluation.report import of_run
    from kerasseg.evaluation.result import writing
    from kerasseg.evaluation.result.wording import tile_lines
    from kerasseg.evaluation.result.worst import worst_images
    from kerasseg.recipe import read_recipe
    from kerasseg.run import Run

    protocol, run = protocol_from(options), Run.open(options.run)
    if options.batch_size < 1:
        raise KerassegError(f"--batch-size {options.batch_size}: give at least 1.")
    absent_score(options.absent)  # that there is no such treatment is said before the evaluation
    name = options.split or read_recipe(run.file("recipe.toml")).data.validation_split
    file = of_run.result_file(run, name, protocol, options.weights, options.name)
    writing.check_free(file, options.overwrite)
    split, labels = of_run.find_split(run, name, options.data_dir)
    model, devices = run.load_model(WEIGHTS[options.weights]), tuple(options.devices)
    tally = Tally(labels, calibration=options.calibration)
    found, seconds = of_run.evaluate_model(
        model, split, labels, protocol, batch_size=options.batch_size, devices=devices, tally=tally
    )
    facts = of_run.facts_of(name, protocol, options.weights)
    result = writing.result_of(found, tally.details, seconds, split, labels, facts, options.absent)
    worst = worst_images(model, split, labels, found, protocol)
    counts = image_counts(
        found, split, labels, protocol=facts["protocol_name"], weights=options.weights
    )
    writing.write_result(run, file, result, counts, worst)
    print(iou_table(labels.class_names, found.confusion, options.absent))
    if protocol.tile:  # for which an image is seen whole, and the memory may be too small
        result["tile_differences"] = of_run.differences_of_tiles(model, split, protocol)
        writing.write_result(run, file, result, counts, worst)
    for line in tile_lines(result):
        print(line)
    speed = f"{len(split) / seconds:.1f} a second"
    print(f"{counted(len(split), 'image')}, {speed}: {file.with_suffix('.html')}")


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
    add(
        "--batch-size",
        type=int,
        default=4,
        metavar="N",
        help="sees up to N images of one size at once (default: 4)",
    )
    add(
        "--devices",
        nargs="+",
        default=[],
        metavar="NAME",
        help="deals batches out to these, as to GPU:0 GPU:1 (default: one device)",
    )
    add(
        "--calibration",
        action="store_true",
        help="measures how far the probabilities can be relied on too, which takes longer",
    )
    add(
        "--absent",
        metavar="{skip,one,zero}",
        default="skip",
        help="leaves classes that do not occur out of the means, or counts them as 1 or as 0 "
        "(default: skip)",
    )
    add("--name", default="", help="names the files (default: SPLIT-PROTOCOL-WEIGHTS)")
    add("--overwrite", action="store_true", help="replaces the files if they are there")
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
