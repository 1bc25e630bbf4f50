"""Writes the tables of docs/recipes.md, every key of a recipe: python -m benchmarks.recipe_keys.

Names and defaults are those of the sections' classes, and what a key means is its docstring.
"""

import argparse
import inspect
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import page_table
from kerasseg.data import Augmentation
from kerasseg.recipe import ARCHITECTURES, LossRecipe, ModelRecipe, Recipe
from kerasseg.recipe.loss import TERMS
from kerasseg.recipe.section import Section

PAGE = Path("docs/recipes.md")
HEADER = "| key | default | |\n|---|---|---|"
# Fields whose meaning is told elsewhere than in the class of their section.
_TOLD_BY = {"augmentation": Augmentation}


def main(arguments: Sequence[str] | None = None) -> None:
    """Replaces the tables in the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    for name, table in tables().items():
        page_table.replace(name, table, options.page)
        print(table)


def tables() -> dict[str, str]:
    """Returns the table of each section and of each architecture, by the name of its place."""
    sections = {name: field.annotation for name, field in Recipe.model_fields.items()}
    rows = {name: list(_fields(name, section)) for name, section in sections.items()}
    rows["loss"] += _loss_keys()
    rows |= {f"model, {name}": list(_options(name)) for name in ARCHITECTURES}
    return {
        f"benchmarks/recipe_keys.py [{name}]": "\n".join([HEADER, *lines])
        for name, lines in rows.items()
    }


def _fields(name: str, section: type[Section]) -> Iterator[str]:
    told = described(_TOLD_BY.get(name, section))
    for key, field in section.model_fields.items():
        yield _row(key, None if field.is_required() else field.default, told[key])


def _options(architecture: str) -> Iterator[str]:
    told = described(ARCHITECTURES[architecture])
    for key, value in ModelRecipe(architecture=architecture).options.items():
        yield _row(key, value, told[key])


def _loss_keys() -> Iterator[str]:
    recipe = LossRecipe(terms=TERMS)
    for key, (argument, _, loss) in recipe._keys().items():
        (term,) = (name for name in TERMS if name.startswith(key.partition("_")[0]))
        told = described(loss)[argument]
        yield _row(key, recipe.model_dump()[key], f"Of `{json.dumps(term)}`: {told}")


def described(documented: Any) -> dict[str, str]:
    """Returns what a docstring says of each argument or attribute, on one line."""
    lines = (inspect.getdoc(documented) or "").splitlines()
    heads = [place for place, line in enumerate(lines) if line in ("Args:", "Attributes:")]
    told: dict[str, str] = {}
    key = ""
    for line in lines[heads[0] + 1 :] if heads else []:
        if line and not line.startswith(" "):
            break
        if found := re.match(r" {4}(\w+): (.*)", line):
            key, told[found[1]] = found[1], found[2]
        elif key:
            told[key] = f"{told[key]} {line.strip()}".strip()
    return told


def _row(key: str, default: object, told: str) -> str:
    shown = "must be given" if default is None else f"`{json.dumps(default)}`"
    return f"| `{key}` | {shown} | {told.replace('|', '&#124;')} |"


if __name__ == "__main__":
    main()
