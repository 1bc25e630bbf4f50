"""What docs/scaling.md shows can be copied."""

import itertools
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import yaml

from benchmarks import page_table, scaling
from kerasseg.evaluation.prediction.ray_prediction import divide
from kerasseg.recipe import read_recipe
from kerasseg.workers.cluster import parse_cluster
from training import predict

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "scaling.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Puts a program of some lines of shell before all others."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def put(name, lines):
        (tmp_path / name).write_text(f"#!/bin/bash\n{lines}\n")
        (tmp_path / name).chmod(0o755)

    put("python", 'echo "$TF_CONFIG"; printf "%s\\n" "$@" >&2')
    return put


def test_the_configurations_are_those_that_training_takes():
    found = [parse_cluster(text) for text in blocks("json")]
    assert [(len(cluster.addresses), cluster.index) for cluster in found] == [(2, 0), (3, 2)]


def test_the_two_terminals_are_two_machines():
    lines = [line for block in blocks("sh") for line in block.splitlines() if "TF_CONFIG" in line]
    configs = [shlex.split(line)[0].removeprefix("TF_CONFIG=") for line in lines]
    one, other = map(parse_cluster, configs)
    assert one.addresses == other.addresses
    assert (one.index, other.index) == (0, 1)
    assert lines[0].split(" python ")[1] == lines[1].split(" python ")[1]


def arguments(said):
    """Returns the recipe that a command names, with its settings; it has to be a good one."""
    words = said.splitlines()
    assert words[:2] == ["-m", "training.train"]
    settings = [word for flag, word in itertools.pairwise(words) if flag == "--set"]
    return read_recipe(ROOT / words[2], settings)


def slurm(stand_in, status=0, restarts=None):
    hosts = "printf 'node1\\nnode2\\nnode3\\nnode4\\n'"
    stand_in("scontrol", f'if [ "$1" = show ]; then {hosts}; else echo "requeued $2"; fi')
    step = f'for SLURM_NODEID in 0 1 2 3; do export SLURM_NODEID; "${{@:2}}"; done; exit {status}'
    stand_in("srun", step)
    (script,) = blocks("bash")
    job = {"SLURM_JOB_ID": "81234", "SLURM_JOB_NODELIST": "node[1-4]"}
    restarted = {} if restarts is None else {"SLURM_RESTART_COUNT": str(restarts)}
    return subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, **job, **restarted},
        capture_output=True,
        text=True,
        check=False,
    )


def test_slurm_gives_each_machine_its_place(stand_in):
    done = slurm(stand_in)
    assert done.returncode == 0, done.stderr
    clusters = [parse_cluster(line) for line in done.stdout.splitlines()]
    assert [cluster.index for cluster in clusters] == [0, 1, 2, 3]
    port = 20000 + 81234 % 20000
    assert {cluster.addresses for cluster in clusters} == {
        tuple(f"node{n}:{port}" for n in (1, 2, 3, 4))
    }
    recipe = arguments(done.stderr[: len(done.stderr) // 4])
    assert recipe.data.class_names == ("background", "leaf", "stem")


@pytest.mark.parametrize(("restarts", "again"), [(None, True), (4, True), (5, False)])
def test_slurm_starts_again_but_not_for_ever(stand_in, restarts, again):
    done = slurm(stand_in, status=2, restarts=restarts)
    assert done.returncode == 2
    assert ("requeued 81234" in done.stdout) == again


def test_kubernetes_gives_each_pod_its_place(stand_in):
    service, job = yaml.safe_load_all(blocks("yaml")[0])
    pods = job["spec"]["template"]["spec"]
    assert service["metadata"]["name"] == pods["subdomain"] == job["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    count = job["spec"]["completions"]
    assert job["spec"]["parallelism"] == count
    (container,) = pods["containers"]
    given = {each["name"]: each["value"] for each in container["env"]}
    for index in range(count):
        environment = {**os.environ, **given, "JOB_COMPLETION_INDEX": str(index)}
        done = subprocess.run(
            container["command"], env=environment, capture_output=True, text=True, check=True
        )
        cluster = parse_cluster(done.stdout)
        assert cluster.index == index
        assert cluster.addresses == tuple(f"refinenet-{n}.refinenet:2222" for n in range(count))
        recipe = arguments(done.stderr)
        assert (recipe.data.dataset, recipe.training.wait_minutes) == ("records", 30)


def prediction(said):
    """Returns the options of training.predict on a cluster that a command gives, a word a line."""
    words = said.splitlines()
    assert words[:2] == ["-m", "training.predict"]
    options = predict._parser().parse_args(words[2:])
    assert options.engine == "ray"
    return options


def lines_of_ray():
    (own,), slurm, kubernetes = (
        block.splitlines() for block in blocks("sh") if "--engine ray" in block
    )
    return own, slurm, kubernetes


def run_lines(lines, environment=None):
    script = "set -euo pipefail\n" + "\n".join(lines)
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=True,
    )
    return prediction(done.stderr)


def test_images_are_predicted_from_bucket_to_bucket(stand_in):
    options = run_lines([lines_of_ray()[0]])
    assert (options.paths, options.workers) == (["s3://bucket/photos"], 2)


def test_slurm_makes_a_cluster_of_its_nodes(stand_in):
    stand_in("scontrol", '[ "$*" = "show hostnames node[1-4]" ] && printf "node1\\nnode2\\n"')
    stand_in("srun", '"$@"')
    stand_in("ray", 'echo "${@:1:6}" > "$RAY_SAID"; shift 6; exec "$@"')
    stand_in("python", '[ "$RAY_ADDRESS" = auto ] && printf "%s\\n" "$@" >&2')
    own = Path(shutil.which("ray")).parent / "said"
    job = {"SLURM_JOB_NODELIST": "node[1-4]", "SLURM_NNODES": "4", "RAY_SAID": str(own)}
    assert run_lines(lines_of_ray()[1], job).out == "/shared/predicted"
    assert own.read_text() == "symmetric-run --address node1:6379 --min-nodes 4 --\n"


def test_kubernetes_predicts_on_its_cluster(stand_in):
    head = "ray.io/cluster=predict,ray.io/node-type=head"
    get = f'[ "$*" = "get pods --selector {head} --output name" ] && echo pod/predict-head-x'
    run = '[ "${*:1:3}" = "exec pod/predict-head-x --" ] && shift 3 && exec "$@"'
    stand_in("kubectl", f'if [ "$1" = get ]; then {get}; else {run}; fi')
    stand_in("python", '[ "$RAY_ADDRESS" = auto ] && printf "%s\\n" "$@" >&2')
    assert run_lines(lines_of_ray()[2]).out == "gs://bucket/predicted"


def test_six_workers_have_the_cores_that_the_page_says():
    machine = {"Alive": True, "Resources": {"CPU": 8.0}}
    assert divide([machine, machine], 6) == (6, 2, 0)


def test_the_table_is_that_of_the_program(tmp_path):
    copy = tmp_path / "scaling.md"
    copy.write_text(PAGE)
    page_table.replace(scaling.PROGRAM, scaling.table(scaling.Assumptions()), copy)
    assert copy.read_text() == PAGE


def test_the_arithmetic_is_that_of_the_page():
    given = scaling.Assumptions()
    compute = 3 * 2 * 235e9 * 4 / 100e12
    communicate = 2 * 63 / 64 * 4 * 109.8e6 / 12.5e9 + 2 * 63 * 1e-5
    assert scaling.computation(given) == pytest.approx(compute)
    assert scaling.communication(given, 64, 100) == pytest.approx(communicate)
    inside = 2 * 7 / 8 * 4 * 109.8e6 / 200e9 + 2 * 7 * 1e-5
    assert scaling.communication(given, 8, 25) == pytest.approx(inside)
    after = compute / (compute + communicate)
    assert scaling.efficiency(compute, communicate, hidden=False) == pytest.approx(after)
    hidden = compute / (compute / 3 + communicate)
    assert scaling.efficiency(compute, communicate, hidden=True) == pytest.approx(hidden)
    assert scaling.efficiency(compute, compute / 2, hidden=True) == pytest.approx(1)
    # What the page says in words.
    assert (round(1000 * compute), round(4 / compute), round(8 * 4 / compute)) == (56, 71, 567)
    assert round(1000 * 104 * 4 * 2 * np.log2(256) * given.hop) == 67


@pytest.mark.slow
def test_the_data_service_sends_what_the_pipeline_gives(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(blocks("python")[0], names)
    remote, own = list(names["remote"]), list(names["batches"])
    assert len(remote) == len(own) == 2
    for batch, expected in zip(remote, own, strict=True):
        for part, value in zip(batch, expected, strict=True):
            np.testing.assert_array_equal(part, value)
