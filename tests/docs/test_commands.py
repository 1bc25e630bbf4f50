"""The commands and extras of docs/serving.md and docs/export.md are those that there are."""

import argparse
import configparser
import importlib
import re
import shlex

import pytest

from tests.processes import CHECKOUT

PAGES = [CHECKOUT / "docs" / name for name in ("serving.md", "export.md")]
COMMANDS = [
    line
    for page in PAGES
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    for line in block.splitlines()
    if line.startswith("python -m export.")
]


def parser_of(module, monkeypatch):
    """Returns the parser that the program asks."""
    seen = []

    def stop(parser, arguments=None, namespace=None):
        seen.append(parser)
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(argparse.ArgumentParser, "parse_args", stop)
        with pytest.raises(SystemExit):
            module.main([])
    return seen[0]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_program_takes_what_the_page_gives_it(line, monkeypatch):
    _, _, name, *arguments = shlex.split(line)
    parser = parser_of(importlib.import_module(name), monkeypatch)
    parser.parse_args(arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_options_of_a_page_are_those_of_a_program(page, monkeypatch):
    programs = ("saved_model", "verify", "onnx", "litert", "openvino", "preview", "client")
    known = {
        option
        for name in programs
        for option in parser_of(
            importlib.import_module(f"export.{name}"), monkeypatch
        )._option_string_actions
    }
    # Of TensorFlow Serving.
    others = {"--rest_api_enable_cors_support", "--rest_api_num_threads", "--grpc_max_threads"}
    rows = re.findall(r"`(--[^`]*)`", page.read_text("utf-8"))
    named = {option for row in rows for option in re.findall(r"(?<!\w)--[a-z][\w-]*", row)}
    assert len(named) > 5
    assert named - others <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_extras_are_named_one_way_and_there(page):
    text = page.read_text("utf-8")
    setup = configparser.ConfigParser()
    setup.read(CHECKOUT / "setup.cfg")
    named = re.findall(r'pip install "\.\[(\w+)\]"', text)
    assert "kerasseg[" not in text
    assert "serving" in named
    assert {*named} <= {*setup["options.extras_require"]}
