"""The examples in the docstrings run, and each public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import kerasseg
import kerasseg.callbacks
import kerasseg.data.shapes
from kerasseg.experiment.experiment import run_experiment
from kerasseg.recipe import difference, parse_recipe, read_recipe, recipe_text
from kerasseg.run import Run

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(kerasseg.__path__, "kerasseg.")
    if not module.name.endswith("__main__")
)
# Its example trains a model: half a minute.
SLOW = {
    "kerasseg.data.batches",
    "kerasseg.evaluation.inference.engine",
    "kerasseg.evaluation.inference.predictor",
    "kerasseg.experiment.experiment",
    "kerasseg.models.efficientfcn",
    "kerasseg.models.model_file",
    "kerasseg.models.refinenet",
    "kerasseg.serving.client.client",
    "kerasseg.serving.verification",
}
PACKAGES = [
    kerasseg,
    kerasseg.backbones,
    kerasseg.callbacks,
    kerasseg.data,
    kerasseg.data.shapes,
    kerasseg.evaluation,
    kerasseg.evaluation.metrics,
    kerasseg.formats,
    kerasseg.layers,
    kerasseg.losses,
    kerasseg.optimizers,
    kerasseg.schedules,
    kerasseg.serving,
    kerasseg.visualization,
]


def _public_names(package):
    """Returns what `__all__` lists, or else what a module defines without an underscore."""
    if hasattr(package, "__all__"):
        return package.__all__
    return [
        name
        for name, value in vars(package).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == package.__name__
    ]


# What the programs are made of; only these names of their modules are for everybody.
OF_PROGRAMS = [Run, read_recipe, parse_recipe, recipe_text, difference, run_experiment]
PUBLIC = list(
    dict.fromkeys(
        value
        for value in (
            *(getattr(package, name) for package in PACKAGES for name in _public_names(package)),
            *OF_PROGRAMS,
        )
        if callable(value)
    )
)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in MODULES],
)
def test_examples_of_the_docstrings_run(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KERASSEG_HOME", str(tmp_path / "home"))
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


@pytest.mark.parametrize("name", MODULES)
def test_no_example_is_skipped(name):
    docstrings = doctest.DocTestFinder().find(importlib.import_module(name))
    examples = [example for docstring in docstrings for example in docstring.examples]
    assert [example.source for example in examples if doctest.SKIP in example.options] == []


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_public_name_has_a_docstring_with_an_example(public):
    docstring = inspect.getdoc(public)
    assert docstring
    summary, *rest = docstring.splitlines()
    assert summary.endswith(".")
    assert rest[0] == ""
    assert ">>> " in docstring


@pytest.mark.parametrize("public", PUBLIC, ids=lambda public: public.__name__)
def test_public_name_is_typed(public):
    signature = inspect.signature(public)
    untyped = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is inspect.Parameter.empty
    ]
    assert untyped == []
