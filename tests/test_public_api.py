"""The examples in the docstrings run, and each public name has one."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import kerasseg

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(kerasseg.__path__, "kerasseg.")
    if not module.name.endswith("__main__")
)
PACKAGES = [kerasseg, kerasseg.layers, kerasseg.backbones]
PUBLIC = [
    getattr(package, name)
    for package in PACKAGES
    for name in package.__all__
    if callable(getattr(package, name))
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_the_docstrings_run(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(importlib.import_module(name))
    assert results.failed == 0


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
