"""Requests that are none: of each the server has to say what is wrong, with a status of 4xx."""

import json

MODEL = "/v1/models/colours"
PREDICT = f"{MODEL}:predict"
_PIXEL = [[[1, 2, 3]]]


def bad_paths():
    """Method and path of each."""
    others = [("GET", f"{MODEL}{tail}") for tail in ("/versions/9", "/labels/none", "/other", ":")]
    names = ["", "/", "/other", "/..", "/%00", "/colours/versions/1e9", "/" + "a" * 5000]
    others += [("GET", f"/v1/models{name}/metadata") for name in names]
    others += [("POST", f"{MODEL}{tail}") for tail in ("", ":other", ":classify", ":regress")]
    number = "9" * 5000
    others += [("POST", f"{MODEL}/versions/{each}:predict") for each in ("2", "-1", "x", number)]
    return others + [(method, PREDICT) for method in ("GET", "PUT", "DELETE", "OPTIONS", "HEAD")]


def bad_bodies():
    """Bodies of requests to predict, by what is wrong with each."""
    return {**_no_json(), **_bad_shapes(), **_bad_images(), **_bad_pixels()}


def _no_json():
    return {
        "nothing": b"",
        "white space": b"  \n",
        "text": b"an image, please",
        "half an object": b'{"instances": [',
        "two objects": b"{}{}",
        "a zero": b"\0",
        "no UTF-8": b'{"instances": ["\xff\xfe"]}',
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
        "lists without end": b"[" * 200_000,
        "objects without end": b'{"a":' * 200_000,
        "deep lists": b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}",
        "a number of many digits": b'{"instances": [' + b"9" * 100_000 + b"]}",
        "single quotes": b"{'instances': []}",
    }


def _bad_shapes():
    image = {"b64": "AAAA"}
    row = {"image_bytes": image}
    documents = {
        "null": None,
        "a list": [row],
        "a number": 1,
        "no instances": {},
        "another key": {"images": [row]},
        "both keys": {"instances": [row], "inputs": [image]},
        "instances of nothing": {"instances": []},
        "instances of null": {"instances": None},
        "instances that are an object": {"instances": row},
        "rows of two kinds": {"instances": [row, image]},
        "a row of another name": {"instances": [{"image": image}]},
        "a row of more names": {"instances": [{**row, "size": 3}]},
        "a row of no names": {"instances": [{}]},
        "an input of another name": {"inputs": {"image": image}},
        "no such signature": {"signature_name": "other", "instances": [row]},
        "a signature that is a number": {"signature_name": 1, "instances": [row]},
        "a signature that is a list": {"signature_name": ["pixels"], "instances": [row]},
        "a signature that is null": {"signature_name": None, "instances": [row]},
        "a signature of other inputs": {"signature_name": "pixels", "instances": [row]},
        "a signature like a path": {"signature_name": "../pixels", "instances": [row]},
    }
    return {name: json.dumps(document).encode() for name, document in documents.items()}


def _bad_images():
    values = {
        "no base64": {"b64": "@@@@"},
        "base64 of a length that there is not": {"b64": "AAAAA"},
        "base64 that is a number": {"b64": 5},
        "base64 that is null": {"b64": None},
        "base64 and more": {"b64": "AAAA", "type": "image/png"},
        "base64 of letters beyond ASCII": {"b64": "ÄÖÜß"},
        "base64 of an address": {"b64": "data:image/png;base64,AAAA"},
        "an empty object": {},
        "a number": 3.5,
        "null": None,
        "true": True,
        "a list": [{"b64": "AAAA"}],
        "lists in lists": [[[{"b64": "AAAA"}]]],
        "an empty list": [],
    }
    rows = {
        f"image: {name}": {"instances": [{"image_bytes": each}]} for name, each in values.items()
    }
    rows["inputs of two levels"] = {"inputs": {"image_bytes": [[{"b64": "AAAA"}]]}}
    rows["an input that is no list"] = {"inputs": {"image_bytes": {"b64": "AAAA"}}}
    rows["inputs of lists of many lengths"] = {"inputs": [[{"b64": "AAAA"}], {"b64": "AAAA"}]}
    return {name: json.dumps(document).encode() for name, document in rows.items()}


def _bad_pixels():
    values = {
        "a number": 5,
        "a string": "pixels",
        "bytes": {"b64": "AAAA"},
        "null": None,
        "one level": [1, 2, 3],
        "two levels": [[1, 2, 3]],
        "four levels": [_PIXEL],
        "grey": [[[1]]],
        "four channels": [[[1, 2, 3, 4]]],
        "negative": [[[1, 2, -3]]],
        "above 255": [[[1, 2, 256]]],
        "beyond every integer": [[[1, 2, 10**30]]],
        "fractions": [[[0.1, 0.2, 0.3]]],
        "true": [[[True, False, True]]],
        "strings of numbers": [[["1", "2", "3"]]],
        "null in it": [[[1, 2, None]]],
        "lists of many lengths": [[[1, 2, 3]], [[1, 2, 3], [4, 5, 6]]],
        "levels of many depths": [[[1, 2, 3]], [4]],
        "no pixel": [],
        "no pixel in a row": [[]],
        "no channel": [[[]]],
    }
    bodies = {}
    for signature in ("pixels", "probabilities"):
        for name, each in values.items():
            document = {"signature_name": signature, "instances": [{"pixels": each}]}
            bodies[f"{signature}: {name}"] = json.dumps(document).encode()
        for word in (b"NaN", b"Infinity", b"1e999", b"-0.5"):
            text = b'{"signature_name": "%s", "instances": [[[[1, 2, %s]]]]}'
            bodies[f"{signature}: {word.decode()}"] = text % (signature.encode(), word)
        sizes = {"signature_name": signature, "instances": [_PIXEL, [[[1, 2, 3]] * 2]]}
        bodies[f"{signature}: two sizes"] = json.dumps(sizes).encode()
    return bodies


def raw_requests():
    """Bytes on a connection that are no HTTP, or break off."""
    begin = f"POST {PREDICT} HTTP/1.1\r\nHost: a\r\n".encode()
    return {
        "nothing": b"",
        "no HTTP": b"GARBAGE\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        "another version": b"GET / HTTP/9.9\r\n\r\n",
        "zeros": bytes(10_000),
        "no host": b"GET / HTTP/1.1\r\n\r\n",
        "a line without end": b"GET /" + b"a" * 300_000,
        "headers without end": b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 50_000,
        "a length below 0": begin + b"Content-Length: -5\r\n\r\n{}",
        "a length that is none": begin + b"Content-Length: many\r\n\r\n{}",
        "two lengths": begin + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "a body that breaks off": begin + b"Content-Length: 5000\r\n\r\n{}",
        "chunks that are none": begin + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        "another encoding": begin + b"Transfer-Encoding: gzip\r\n\r\n{}",
        "two requests": begin
        + b"Content-Length: 2\r\n\r\n{}"
        + begin
        + b"Content-Length: 0\r\n\r\n",
    }
