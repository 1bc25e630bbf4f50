"""Searches values of a recipe by Optuna: python -m training.search RECIPE --vary KEY=RANGE ..."""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kerasseg.command_line import program
from kerasseg.errors import KerassegError

if TYPE_CHECKING:
    import optuna

_FORMS = "LOW..HIGH, LOW..HIGH:log (numbers) or A|B|C"


@program
def main(arguments: Sequence[str] | None = None) -> None:
    """Trains once a trial, each in a process and a run directory of its own.

    Started again with the same command it goes on until as many trials have ended as asked for.
    """
    options = _parser().parse_args(arguments)
    optuna = _optuna()
    distributions = dict(_distribution(text) for text in options.vary)
    _check(options, distributions)
    options.search_dir.mkdir(parents=True, exist_ok=True)
    file = optuna.storages.journal.JournalFileBackend(str(options.search_dir / "study.log"))
    study = optuna.create_study(
        storage=optuna.storages.JournalStorage(file),
        study_name=options.recipe.stem,
        direction="maximize",
        load_if_exists=True,
    )
    ended = sum(trial.state.is_finished() for trial in study.trials)
    # A search that goes on must not propose again what it began with.
    study.sampler = optuna.samplers.TPESampler(seed=options.seed + ended)
    for _ in range(ended, options.trials):
        trial = study.ask(distributions)
        score = _train(options, options.search_dir / f"trial-{trial.number}", trial.params)
        failed = optuna.trial.TrialState.FAIL if score is None else None
        study.tell(trial, score, state=failed)
    _say_best(study, options.search_dir)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise KerassegError('training.search needs Optuna: pip install ".[search]".') from None
    return optuna


def _distribution(text: str) -> tuple[str, "optuna.distributions.BaseDistribution"]:
    """Returns a key of the recipe and the values that it may take."""
    from optuna import distributions

    key, equals, values = text.partition("=")
    ends, colon, scale = values.partition(":")
    parts = [_parsed(part) for part in (ends.split("..") if ".." in ends else values.split("|"))]
    try:
        if not equals or len(parts) < 2 or (colon and scale != "log"):
            raise ValueError
        if ".." not in ends:
            return key, distributions.CategoricalDistribution(parts)
        low, high = parts
        if isinstance(low, int) and isinstance(high, int):
            return key, distributions.IntDistribution(low, high, log=bool(colon))
        return key, distributions.FloatDistribution(float(low), float(high), log=bool(colon))
    except (ValueError, TypeError):
        raise KerassegError(f"--vary takes SECTION.KEY={_FORMS}; received {text!r}.") from None


def _parsed(text: str) -> int | float | str:
    """Returns a number as such; anything else is handed to the recipe as it is written."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _check(options: argparse.Namespace, distributions: Mapping[str, Any]) -> None:
    """Raises a `KerassegError` for a key or value of the search that the recipe does not take."""
    from kerasseg.recipe import read_recipe

    for key, values in distributions.items():
        for value in getattr(values, "choices", None) or (values.low, values.high):
            read_recipe(options.recipe, [*options.set, f"{key}={value}"])


def _train(options: argparse.Namespace, run_dir: Path, values: Mapping[str, Any]) -> float | None:
    """Returns the mean IoU of a training, None if it ended badly; the reason is on the screen."""
    chosen = [*options.set, *(f"{key}={value}" for key, value in values.items())]
    print(f"{run_dir.name}: {', '.join(f'{key}={value}' for key, value in values.items())}")
    places = ["--run-dir", str(run_dir)]
    places += ["--data-dir", options.data_dir] if options.data_dir else []
    command = [sys.executable, "-m", options.program, str(options.recipe), *places]
    command += [part for setting in chosen for part in ("--set", setting)]
    if subprocess.run(command, check=False).returncode:
        return None
    return float(json.loads((run_dir / "metrics.json").read_text())["mean_iou"])


def _say_best(study: "optuna.Study", directory: Path) -> None:
    scored = [trial for trial in study.trials if trial.value is not None]
    if not scored:
        raise KerassegError(f"no trial in {directory} has ended well; see what each of them said.")
    best = study.best_trial
    print(f"best of {len(scored)} trials: {directory / f'trial-{best.number}'}")
    print(f"mean IoU {best.value:.3f}, not to be taken for a measured one: it was chosen by it")
    for key, value in best.params.items():
        print(f"  --set {key}={value}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training.search", description=__doc__)
    parser.add_argument("recipe", type=Path, help="a TOML file, such as those in training/recipes")
    parser.add_argument(
        "--vary",
        action="append",
        required=True,
        metavar="SECTION.KEY=RANGE",
        help=f"a value to search and its range: {_FORMS}; may be given several times",
    )
    parser.add_argument("--trials", type=int, default=20, help="trainings in all (default: 20)")
    parser.add_argument("--search-dir", type=Path, required=True, help="where the runs go")
    parser.add_argument("--data-dir", help="where the data set lies")
    parser.add_argument("--seed", type=int, default=0, help="of what is tried")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--program", default="training.train", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main(None))
