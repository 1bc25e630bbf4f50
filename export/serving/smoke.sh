#!/usr/bin/env bash
# Proves with a real TensorFlow Serving what tests without one cannot: that it loads a model, warms
# it up, tells its signatures, answers over REST, batches, and takes up a new version by itself.
#
#   export/serving/smoke.sh MODEL_DIR IMAGE
#
# MODEL_DIR is the base path of an exported model (it holds 1/, 2/ ...), IMAGE a JPEG, PNG, GIF,
# BMP or WebP. Needs Docker, curl and base64. With SERVER=http://HOST:PORT it asks a server that runs
# already, for the model named as MODEL_DIR is, and leaves out what only its owner can do.
#
# TF_SERVING_VERSION names the tag of the image tensorflow/serving. The default is latest, here, in
# docker-compose.yml and in kubernetes.yaml: images come out months after the TensorFlow that they
# are built of, some lines never get one, and that there is one of the TensorFlow that kerasseg is
# tested with (2.21) could not be checked. What ran is printed: put the tag that passed into all
# three.
set -euo pipefail

fail() { echo "FAILED: $*" >&2; exit 1; }
[ $# -eq 2 ] || fail "usage: smoke.sh MODEL_DIR IMAGE"
[ -d "$1" ] || fail "no such directory: $1"
model_dir=$(cd "$1" && pwd)
image=$2
[ -f "$image" ] || fail "no such image: $image"
name=$(basename "$model_dir")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
container=""
finish() {
  if [ -n "$container" ]; then docker rm -f "$container" >/dev/null 2>&1 || true; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

latest=0
for each in "$model_dir"/*/; do
  number=$(basename "$each")
  case $number in *[!0-9]*) continue ;; esac
  if [ "$number" -gt "$latest" ]; then latest=$number; fi
done
[ "$latest" -gt 0 ] || fail "$model_dir holds no version"

# Answers go to files: what searches a pipe may end before what fills it, which then fails.
fetch() { curl -sf --max-time 60 "$@"; }

if [ -z "${SERVER:-}" ]; then
  mkdir "$work/models"
  cp -r "$model_dir/$latest" "$work/models/1"
  chmod -R a+rX "$work"
  served="tensorflow/serving:${TF_SERVING_VERSION:-latest}"
  container=$(docker run -d -p 127.0.0.1::8501 -v "$work/models:/models/$name:ro" -v "$here:/config:ro" \
    -e MODEL_NAME="$name" "$served" \
    --enable_batching=true --batching_parameters_file=/config/batching.config \
    --monitoring_config_file=/config/monitoring.config --file_system_poll_wait_seconds=1)
  docker port "$container" 8501/tcp >"$work/port" || fail "the container has ended: $(docker logs "$container" 2>&1 | tail -20)"
  SERVER="http://$(head -1 "$work/port")"
  echo "$served ($(docker inspect -f '{{.Image}}' "$container")) at $SERVER"
fi
url="$SERVER/v1/models/$name"

wait_for() {  # wait_for VERSION: until the server says that it can be asked
  for _ in $(seq 120); do
    if fetch "$url/versions/$1" >"$work/status" 2>/dev/null && grep -q '"AVAILABLE"' "$work/status"; then return; fi
    if [ "$(docker inspect -f '{{.State.Running}}' "$container")" != true ]; then break; fi
    sleep 1
  done
  docker logs "$container" 2>&1 | tail -20 >&2
  fail "version $1 of $name is not available after two minutes, or the server has ended"
}

ask() {  # ask INSTANCES SIGNATURE ANSWER: writes the answer to the file
  printf '{"signature_name": "%s", "instances": %s}' "$2" "$1" >"$3.request"
  fetch -H 'Content-Type: application/json' -d "@$3.request" "$url:predict" >"$3"
}

instance() { printf '{"image_bytes": {"b64": "%s"}}' "$(base64 <"$1" | tr -d '\n')"; }

if [ -n "$container" ]; then
  wait_for 1
else
  fetch "$url" >"$work/status" && grep -q '"AVAILABLE"' "$work/status" || fail "$url has no model"
fi
echo "ok: loaded, and warmed up where the export holds requests"

fetch "$url/metadata" >"$work/metadata" || fail "no metadata"
for signature in serving_default pixels probabilities overlay; do
  grep -q "\"$signature\"" "$work/metadata" || fail "the metadata have no signature $signature"
done
echo "ok: the metadata tell the signatures"

good=$(instance "$image")
printf 'this is not an image' >"$work/bad"
bad=$(instance "$work/bad")

one="$work/one"
ask "[$good]" serving_default "$one" || fail "serving_default does not answer"
# A PNG's signature in base64.
grep -q '"b64": *"iVBORw0KGgo' "$one" || fail "no PNG in the answer: $(head -c 300 "$one")"
grep -q '"class_shares"' "$one" || fail "no shares in the answer"
echo "ok: an encoded image gets a PNG mask, its confidence and the share of each class"

ask "[$good, $bad, $good]" serving_default "$work/three" || fail "a bad image takes its batch with it"
[ "$(grep -o 'iVBORw0KGgo' "$work/three" | wc -l)" -eq 2 ] || fail "two masks of three were wanted"
grep -q 'cannot be decoded' "$work/three" || fail "the bad image has no error"
echo "ok: what is no image answers for itself"

ask "[$good]" overlay "$work/overlay" || fail "overlay does not answer"
# A JPEG's signature in base64.
grep -q '"b64": *"/9j/' "$work/overlay" || fail "overlay gives no JPEG"
echo "ok: overlay gives a picture"

pids=()
for number in $(seq 16); do
  ask "[$good]" serving_default "$work/answer-$number" & pids+=($!)
done
for pid in "${pids[@]}"; do wait "$pid" || fail "a request among sixteen at once was refused"; done
grep -o 'iVBORw0KGgo[^"]*' "$one" >"$work/mask"
for number in $(seq 16); do
  grep -qFf "$work/mask" "$work/answer-$number" || fail "an answer among sixteen at once differs"
done
echo "ok: sixteen requests at once, batched where the server batches, get the same mask each"

if [ -n "$container" ]; then
  fetch "$SERVER/monitoring/metrics" >"$work/metrics" || fail "no counters for Prometheus"
  grep -q 'tensorflow' "$work/metrics" || fail "no counters for Prometheus"
  echo "ok: counters for Prometheus"
  # Copied under another name and renamed, as kerasseg writes versions: never seen half.
  cp -r "$work/models/1" "$work/models/.2.partial"
  mv "$work/models/.2.partial" "$work/models/2"
  wait_for 2
  ask "[$good]" serving_default "$work/newer" || fail "version 2 does not answer"
  grep -qFf "$work/mask" "$work/newer" || fail "version 2 answers otherwise"
  echo "ok: a new version was taken up by itself"
fi
echo "All is well with $name at $SERVER."
