"""What `TF_CONFIG` may say."""

import json

import pytest

from kerasseg.errors import KerassegError
from kerasseg.workers.cluster import Cluster, parse_cluster

ADDRESSES = ["10.0.0.1:2222", "node-2.cluster.local:2222", "[fd00::3]:2222"]


def config(cluster=None, task=None, **more):
    cluster = {"worker": ADDRESSES} if cluster is None else cluster
    task = {"type": "worker", "index": 0} if task is None else task
    return json.dumps({"cluster": cluster, "task": task, **more})


@pytest.mark.parametrize("index", [0, 1, 2])
def test_workers_alone_whose_first_is_the_chief(index):
    cluster = parse_cluster(config(task={"type": "worker", "index": index}))
    assert cluster == Cluster(tuple(ADDRESSES), index)
    assert cluster.is_chief == (index == 0)
    assert cluster.task == ("worker", index)
    assert cluster.jobs == {"worker": ADDRESSES}


@pytest.mark.parametrize(("kind", "index", "place"), [("chief", 0, 0), ("worker", 1, 2)])
def test_a_chief_comes_before_the_workers(kind, index, place):
    jobs = {"worker": ADDRESSES[1:], "chief": ADDRESSES[:1]}
    cluster = parse_cluster(config(jobs, {"type": kind, "index": index}))
    assert cluster.addresses == tuple(ADDRESSES)
    assert cluster.address == ADDRESSES[place]
    assert cluster.is_chief == (kind == "chief")
    assert cluster.task == (kind, index)
    assert cluster.jobs == jobs


@pytest.mark.parametrize("text", [None, "", "  ", config({"worker": ADDRESSES[:1]})])
def test_one_machine_is_no_cluster(text):
    assert parse_cluster(text) is None


def test_what_else_an_operator_writes_is_passed_over():
    assert parse_cluster(config(environment="cloud")) is not None


REFUSED = {
    "{worker:": "TF_CONFIG is not JSON",
    "[1]": r"TF_CONFIG holds \[1\] and no object",
    '{"task": {"type": "worker", "index": 0}}': "has no 'cluster'",
    '{"cluster": {"worker": ["a:1", "b:1"]}}': "has no 'task'",
    config("a:1"): "has \"a:1\" as 'cluster' and no object",
    config({}): "names no machine in 'cluster'",
    config({"worker": []}): r"has \[\] as addresses of 'worker' and no list",
    config({"workers": ADDRESSES}): "'workers': did you mean 'worker'",
    config({"worker": ADDRESSES, "ps": ["d:1"]}): "'ps'.*Accepted: chief, worker",
    config({"worker": ["a", "b:1"]}): "has \"a\" among 'worker' and no HOST:PORT",
    config({"worker": ["a:1", "a:1"]}): "names a:1 twice",
    config({"chief": ["a:1", "b:1"], "worker": ["c:1"]}): "has 2 machines as 'chief'",
    config(task={"type": "evaluator", "index": 0}): "unknown task type in TF_CONFIG 'evaluator'",
    config(task={"index": 0}): "unknown task type in TF_CONFIG None",
    config(task={"type": "worker", "index": 3}): r"index 3, and 'cluster' has 3.*give 0\.\.2",
    config(task={"type": "worker", "index": -1}): "index -1",
    config(task={"type": "worker", "index": "1"}): 'index "1"',
    config(task={"type": "worker"}): "index null",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_used_is_named(text):
    with pytest.raises(KerassegError, match=REFUSED[text]):
        parse_cluster(text)
