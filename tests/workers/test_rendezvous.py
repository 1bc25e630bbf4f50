"""The meeting of machines, here threads of one process."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from kerasseg.errors import KerassegError
from kerasseg.workers.cluster import Cluster
from kerasseg.workers.rendezvous import meet
from tests.ports import free_addresses

FACTS = {"recipe": "abc", "number of GPUs": 2}


def outcomes(addresses, seconds, facts, delays=None):
    """Returns what each of some machines says in the end; those without facts never come."""

    def come(index):
        time.sleep((delays or {}).get(index, 0))
        try:
            meet(Cluster(addresses, index), facts[index], seconds)
        except KerassegError as error:
            return str(error)
        return "all are there"

    with ThreadPoolExecutor() as pool:
        return dict(zip(facts, pool.map(come, facts), strict=True))


@pytest.mark.parametrize("late", [0, 2])
def test_all_have_come(late):
    began = time.monotonic()
    said = outcomes(free_addresses(3), 20, dict.fromkeys(range(3), FACTS), {late: 0.5})
    assert set(said.values()) == {"all are there"}
    assert 0.5 < time.monotonic() - began < 10


def test_whoever_never_comes_is_named_on_every_machine_that_has_come():
    addresses = free_addresses(4)
    said = outcomes(addresses, 1, {0: FACTS, 2: FACTS})
    expected = f"no sign of {addresses[1]}, {addresses[3]} in 0.0166667 minutes (training.wait_"
    assert [message[: len(expected)] for message in said.values()] == [expected] * 2


def test_a_chief_that_never_comes():
    addresses = free_addresses(2)
    (said,) = outcomes(addresses, 0.5, {1: FACTS}).values()
    assert f"no sign of {addresses[0]} in" in said
    assert "the same command on every machine" in said


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({**FACTS, "recipe": "xyz"}, 'recipe: "xyz" on machine 1, "abc" on the chief'),
        ({"recipe": "abc"}, "number of GPUs: null on machine 1, 2 on the chief"),
    ],
)
def test_machines_that_are_not_about_to_do_the_same(other, message):
    said = outcomes(free_addresses(2), 20, {0: FACTS, 1: other})
    assert [message in each for each in said.values()] == [True, True]


def test_other_addresses_are_another_cluster():
    addresses = free_addresses(2)
    with ThreadPoolExecutor() as pool:
        chief = pool.submit(meet, Cluster(addresses, 0), FACTS, 20)
        other = pool.submit(meet, Cluster((addresses[0], "elsewhere:1"), 1), FACTS, 20)
        for one in (chief, other):
            with pytest.raises(KerassegError, match=r"cluster: \[.*elsewhere:1"):
                one.result()


def knock(address, words):
    host, port = address.split(":")
    while True:
        try:
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(words)
                return
        except ConnectionRefusedError:
            time.sleep(0.02)


@pytest.mark.parametrize("words", [b"", b"GET / HTTP/1.1\n", b"[1]\n", b'{"index": "x"}\n'])
def test_whoever_else_knocks_at_the_port_changes_nothing(words):
    addresses = free_addresses(2)
    stranger = threading.Thread(target=knock, args=(addresses[0], words))
    stranger.start()
    said = outcomes(addresses, 20, dict.fromkeys(range(2), FACTS), {1: 0.5})
    stranger.join()
    assert set(said.values()) == {"all are there"}


def test_a_machine_that_has_gone_again_is_missing():
    addresses = free_addresses(3)
    call = b'{"index": 1, "facts": {}}\n'.replace(
        b"{}", b'{"cluster": ["%s", "%s", "%s"]}' % tuple(map(str.encode, addresses))
    )
    gone = threading.Thread(target=knock, args=(addresses[0], call))
    gone.start()
    said = outcomes(addresses, 2, {0: {}, 2: {}}, {2: 0.5})
    gone.join()
    assert [f"no sign of {addresses[1]} in" in message for message in said.values()] == [True] * 2


def test_a_port_that_is_taken():
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(KerassegError, match=rf"port {port} of localhost:{port} cannot be ope"):
            meet(Cluster((f"localhost:{port}", "b:1"), 0), FACTS, 1)
