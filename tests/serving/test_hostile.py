"""Unusual, broken and hostile inputs, over REST and through TensorFlow's C API.

After each of them a picture of known mask is asked for, which has to be answered rightly.
"""

import http.client
import json
import socket
from collections.abc import Callable
from itertools import chain, count
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from benchmarks.colour_classes import colour_model, pattern
from benchmarks.preview_process import preview_process
from kerasseg.serving import export_saved_model
from kerasseg.serving.c_api import SavedModelSession
from kerasseg.serving.client import SegmentationClient, ServingError
from kerasseg.serving.preview import PreviewOptions, ServedModel, preview_in_background
from kerasseg.serving.process import SavedModelProcess
from tests.serving.examples import encoded
from tests.serving.hostile import requests
from tests.serving.hostile.case import Case
from tests.serving.hostile.invalid import invalid_cases
from tests.serving.hostile.valid import valid_cases

SECONDS = 20  # in which even the worst is answered
FAST_SHARE = 16
MOST_MEMORY = 500_000 * 1024  # bytes that all of them together may add to the server
Ask = Callable[[bytes], tuple[bytes, str]]


@pytest.fixture(scope="module")
def cases():
    return [*valid_cases(), *invalid_cases()]


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    base = tmp_path_factory.mktemp("served") / "colours"
    return export_saved_model(colour_model(), base, warmup_images=())


@pytest.fixture(scope="module")
def url(version):
    with preview_in_background(ServedModel(version.parent), PreviewOptions(port=0)) as address:
        yield f"{address}v1/models/colours"


def good_cases():
    """Pictures, each another one, so that an answer that was left over would be found out."""
    for number in count():
        pixels = pattern(number, 32, 48)
        yield Case("the next good one", encoded(pixels), pixels)


def check_all(cases, ask: Ask):
    for case, good in zip(cases, good_cases(), strict=False):
        case.check(*ask(case.contents))
        good.check(*ask(good.contents))


def by_client(client) -> Ask:
    def ask(contents):
        try:
            return client.segment(contents).mask_bytes, ""
        except ServingError as error:
            if error.passing:
                raise
            return b"", str(error)

    return ask


def by_session(session) -> Ask:
    def ask(contents):
        answer = session.run("serving_default", {"image_bytes": np.array([contents], object)})
        return answer["mask_bytes"][0], answer["error"][0].decode()

    return ask


def sent(url, method, path, body=None):
    """Status, media type and body of an answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=SECONDS)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.getheader("content-type"), answer.read()
    finally:
        connection.close()


def check_refused(name, answer):
    status, kind, body = answer
    assert 400 <= status < 500, (name, answer)
    assert kind == "application/json", (name, answer)
    document = json.loads(body) if body else {"error": "HEAD has no body"}
    assert [*document] == ["error"], (name, answer)
    assert document["error"].strip(), name


def test_there_are_enough_of_them_and_each_has_a_name(cases):
    assert len(cases) >= 500
    assert len({case.name for case in cases}) == len(cases)
    answered = [case for case in cases if case.pixels is not None]
    assert len(answered) >= 150
    assert sum(case.either for case in cases) < 200


@pytest.mark.parametrize("way", ["client", "session"])
def test_some_of_them_are_answered_or_refused(cases, version, url, way):
    some = cases[::FAST_SHARE]
    if way == "client":
        with SegmentationClient(url, deadline=SECONDS, retries=0) as client:
            check_all(some, by_client(client))
    else:
        with SavedModelSession(version) as session:
            check_all(some, by_session(session))


def test_a_batch_of_them_answers_one_by_one(cases, version):
    some = cases[5::FAST_SHARE]
    with SavedModelSession(version) as session:
        files = np.array([case.contents for case in some], object)
        answer = session.run("serving_default", {"image_bytes": files})
    for case, mask, error in zip(some, answer["mask_bytes"], answer["error"], strict=True):
        case.check(mask, error.decode())


def test_a_request_that_is_none_is_refused_with_the_reason(url):
    with SegmentationClient(url, deadline=SECONDS, retries=0) as client:
        bodies = requests.bad_bodies()
        for (name, body), good in zip(bodies.items(), good_cases(), strict=False):
            check_refused(name, sent(url, "POST", requests.PREDICT, body))
            good.check(*by_client(client)(good.contents))
    for method, path in requests.bad_paths():
        check_refused(f"{method} {path}", sent(url, method, path))


@pytest.fixture(scope="module")
def server(version):
    with preview_process(version.parent) as server:
        yield server


def memory(pid):
    """The most bytes that a process ever had, resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (peak,) = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(peak) * 1024


@pytest.mark.slow
def test_all_of_them_neither_end_nor_fill_a_server(cases, server):
    with SegmentationClient(server.url, deadline=SECONDS, retries=0) as client:
        check_all(cases[:20], by_client(client))
        before = memory(server.pid)
        check_all(cases, by_client(client))
    assert server.process.poll() is None
    assert memory(server.pid) - before < MOST_MEMORY


def last_words(connection):
    """What is answered once the client has no more to say; nothing where the server hung up."""
    try:
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1000)
    except OSError:
        return b""


@pytest.mark.slow
def test_connections_that_speak_no_http_hold_up_nobody(server):
    address = urlsplit(server.url)
    with SegmentationClient(server.url, deadline=SECONDS, retries=0) as client:
        for (name, text), good in zip(requests.raw_requests().items(), good_cases(), strict=False):
            with socket.create_connection((address.hostname, address.port), SECONDS) as connection:
                connection.sendall(text)
                # The connection is still open, and waits.
                good.check(*by_client(client)(good.contents))
                answer = last_words(connection)
            assert not answer or answer[9:10] == b"4" or answer[9:12] == b"200", (name, answer)
    assert server.process.poll() is None


@pytest.mark.slow
def test_the_loader_takes_all_of_them_in_a_process_of_its_own(cases, version):
    pairs = zip(cases, good_cases(), strict=False)
    with SavedModelProcess(version) as process:
        for case in chain.from_iterable(pairs):
            image = np.array([case.contents], object)
            answer, seconds = process.answer("serving_default", {"image_bytes": image}, 1)
            assert seconds < SECONDS
            case.check(answer["mask_bytes"][0], answer["error"][0].decode())
