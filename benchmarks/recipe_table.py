"""Writes docs/recipes.md's table of recipes from finished runs, several seeds of a recipe together.

    python -m benchmarks.recipe_table runs/camvid-seed0 runs/camvid-seed1 runs/quickstart

The runs of one recipe are those whose `recipe.toml` differs in the seed alone. The scores are
those of the last weights, from each run's `metrics.json`. A run that shared its machine took longer
than it has to: `--epoch-seconds camvid=40` tells what an epoch takes where nothing else runs, as
benchmarks/training_overhead.py measures it.
"""

import argparse
import json
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import page_table
from kerasseg.recipe import Recipe, read_recipe

PAGE = Path(__file__).parents[1] / "docs" / "recipes.md"
RECIPES = Path("training/recipes")
HEADER = "| recipe | network | minutes of training | mean IoU |\n|---|---|---|---|"


def main(arguments: Sequence[str] | None = None) -> None:
    """Replaces the table in docs/recipes.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--epoch-seconds", nargs="+", metavar="NAME=SECONDS", default=[])
    options = parser.parse_args(arguments)
    alone = {
        name: float(seconds) for name, seconds in (o.split("=") for o in options.epoch_seconds)
    }
    table = "\n".join([HEADER, *_rows(options.runs, alone)])
    page_table.replace("benchmarks/recipe_table.py", table, options.page)
    print(table)


def _rows(runs: Sequence[Path], alone: Mapping[str, float]) -> list[str]:
    scores: dict[Path, list[dict[str, float]]] = defaultdict(list)
    for run in runs:
        scores[_recipe_of(run)].append(json.loads((run / "metrics.json").read_text()))
    return [
        _row(path, scores[path], alone.get(path.stem)) for path in sorted(RECIPES.glob("*.toml"))
    ]


def _recipe_of(run: Path) -> Path:
    ran = _without_seed(read_recipe(run / "recipe.toml"))
    for path in RECIPES.glob("*.toml"):
        if _without_seed(read_recipe(path)) == ran:
            return path
    raise SystemExit(f"{run}: no recipe in {RECIPES} is the one that it ran")


def _without_seed(recipe: Recipe) -> str:
    training = recipe.training.model_copy(update={"seed": 0})
    return recipe.model_copy(update={"training": training}).fingerprint


def _row(path: Path, scores: Sequence[dict[str, float]], epoch: float | None) -> str:
    recipe = read_recipe(path)
    network = f"{recipe.model.architecture} on {recipe.model.backbone}, {recipe.data.dataset}"
    if not scores:
        return f"| `{path}` | {network} | | not run here |"
    seconds = statistics.mean(score["training_seconds"] for score in scores)
    minutes = (seconds if epoch is None else epoch * recipe.training.epochs) / 60
    ious = [score["mean_iou"] for score in scores]
    spread = f" ± {statistics.stdev(ious):.3f} ({len(ious)} seeds)" if len(ious) > 1 else ""
    return f"| `{path}` | {network} | {minutes:.1f} | {statistics.mean(ious):.3f}{spread} |"


if __name__ == "__main__":
    main()
