"""A server with the shape of TensorFlow Serving's REST interface; what it says can be bent."""

import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import tensorflow as tf

COMPANY_SECONDS = 0.2


class Batching:
    """What a batching server refuses: long requests, and arrays of two sizes that meet."""

    def __init__(self, max_batch_size):
        self.max_batch_size = max_batch_size
        self.lock, self.shapes = threading.Lock(), []

    def refuses(self, array):
        """Returns whether it does; arrays wait for company, strings always fit together."""
        alike = array.dtype == object or self.meets_none_of_another_size(array.shape[1:])
        return not alike or len(array) > self.max_batch_size

    def meets_none_of_another_size(self, shape):
        with self.lock:
            self.shapes.append(shape)
            alike = len({*self.shapes}) == 1
        time.sleep(COMPANY_SECONDS)
        with self.lock:
            alike = alike and len({*self.shapes}) == 1
            self.shapes.remove(shape)
        return alike


@contextmanager
def fake_server(version):
    """Serves a SavedModel while the block runs; gives its address and what can be bent.

    Of what is given `bent` maps the rows of each answer, and `batching` may be a `Batching`.
    """
    signatures = tf.saved_model.load(str(version)).signatures

    class Handler(BaseHTTPRequestHandler):
        bent = staticmethod(lambda rows: rows)
        batching = None

        def log_message(self, *_):
            pass

        def answer(self, body, status=200):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def do_GET(self):
            if self.path.endswith("/metadata"):
                self.answer({"metadata": {"signature_def": dict.fromkeys(signatures)}})
            else:
                self.answer({"model_version_status": [{"version": "1", "state": "AVAILABLE"}]})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, inputs = read_instances(body["instances"])
            if self.batching is not None and self.batching.refuses(inputs):
                self.answer({"error": "different shapes, or too many"}, 400)
                return
            answer = signatures[body["signature_name"]](**{name: tf.constant(inputs)})
            columns = {name: column.numpy() for name, column in answer.items()}
            self.answer({"predictions": self.bent(rows_of(columns, len(inputs)))})

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", Handler
        running.shutdown()


def read_instances(instances):
    """Returns the name and the values of the one input that they have."""
    (name,) = instances[0]
    if name == "pixels":
        return name, np.array([row[name] for row in instances], np.uint8)
    return name, np.array([base64.b64decode(row[name]["b64"]) for row in instances], object)


def rows_of(columns, count):
    """Returns a row an instance, as TensorFlow Serving writes them."""
    if len(columns) == 1:
        ((name, column),) = columns.items()
        return [shown(name, value) for value in column]
    return [
        {name: shown(name, column[place]) for name, column in columns.items()}
        for place in range(count)
    ]


def shown(name, value):
    """Returns a value as JSON has it."""
    if name.endswith("_bytes"):
        return {"b64": base64.b64encode(value).decode()}
    return value.decode() if isinstance(value, bytes) else value.tolist()
