#!/usr/bin/env bash
# Proves with a real TensorFlow Serving what tests without one cannot: that it loads a model, warms
# it up by models.config and monitoring.config, tells its signatures, answers over REST and, by
# export.client, over gRPC, passes health.sh, and takes up a new version by itself. What it leaves
# unproven is in docs/serving.md.
#
#   export/serving/smoke.sh MODEL_DIR IMAGE
#
# MODEL_DIR is the base path of an exported model (it holds 1/, 2/ ...), IMAGE a JPEG, PNG, GIF,
# BMP or WebP. Needs Docker, curl and base64. With SERVER=http://HOST:PORT it asks a server that runs
# already, for the model named as MODEL_DIR is, and leaves out what only its owner can do;
# GRPC_SERVER=HOST:PORT is that server's gRPC. PYTHON (default: python3) runs export.client, in a
# checkout with `pip install ".[client]"`; where it cannot, that is said.
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
[ -f "$2" ] || fail "no such image: $2"
image=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
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
  # The settings decide what the model is called, whatever its directory is.
  name=$(sed -n 's/^ *name: *"\(.*\)".*/\1/p' "$here/models.config")
  [ "$(wc -w <<<"$name")" -eq 1 ] || fail "models.config is to name one model for this test; it names: $name"
  grep -q "base_path: *\"/models/$name\"" "$here/models.config" || fail "models.config does not look for $name in /models/$name"
  mkdir "$work/models"
  cp -r "$model_dir/$latest" "$work/models/1"
  chmod -R a+rX "$work"
  served="tensorflow/serving:${TF_SERVING_VERSION:-latest}"
  container=$(docker run -d -p 127.0.0.1::8501 -v "$work/models:/models/$name:ro" -v "$here:/config:ro" \
    -p 127.0.0.1::8500 "$served" --model_config_file=/config/models.config --rest_api_num_threads=4 \
    --monitoring_config_file=/config/monitoring.config --rest_api_timeout_in_ms=60000 \
    --file_system_poll_wait_seconds=1)
  docker port "$container" 8501/tcp >"$work/port" || fail "the container has ended: $(docker logs "$container" 2>&1 | tail -20)"
  SERVER="http://$(head -1 "$work/port")"
  GRPC_SERVER=$(docker port "$container" 8500/tcp | head -1)
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

all_of() {  # all_of REASON PID...: waits for requests that were sent at once
  local reason=$1 pid
  shift
  for pid in "$@"; do wait "$pid" || fail "$reason"; done
}

pixels() {  # pixels HEIGHT WIDTH: an instance of pixels, of one colour
  local row rows
  row=$(printf '[90,120,60],%.0s' $(seq "$2"))
  rows=$(printf "[${row%,}],%.0s" $(seq "$1"))
  printf '{"pixels": [%s]}' "${rows%,}"
}

mask_of() { tr -d ' \n' <"$1" | grep -o '"mask":[][0-9,]*'; }

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
# Exported with --default-signature pixels, the model takes encoded images by the signature bytes.
bytes=serving_default
if grep -q '"bytes" *:' "$work/metadata"; then bytes=bytes; fi
echo "ok: the metadata tell the signatures; $bytes takes encoded images"

good=$(instance "$image")
printf 'this is not an image' >"$work/bad"
bad=$(instance "$work/bad")

one="$work/one"
ask "[$good]" "$bytes" "$one" || fail "$bytes does not answer"
# A PNG's signature in base64.
grep -q '"b64": *"iVBORw0KGgo' "$one" || fail "no PNG in the answer: $(head -c 300 "$one")"
grep -q '"class_shares"' "$one" || fail "no shares in the answer"
echo "ok: an encoded image gets a PNG mask, its confidence and the share of each class"

ask "[$good, $bad, $good]" "$bytes" "$work/three" || fail "a bad image takes its batch with it"
[ "$(grep -o 'iVBORw0KGgo' "$work/three" | wc -l)" -eq 2 ] || fail "two masks of three were wanted"
grep -q 'cannot be decoded' "$work/three" || fail "the bad image has no error"
echo "ok: what is no image answers for itself"

ask "[$good, $good, $good, $good, $good, $good, $good, $good, $good]" "$bytes" "$work/nine" ||
  fail "a request of nine images is refused; with batching max_batch_size is the bound: see batching.config"
[ "$(grep -o 'iVBORw0KGgo' "$work/nine" | wc -l)" -eq 9 ] || fail "nine masks were wanted"
echo "ok: a request of nine images gets nine masks"

ask "[$good]" overlay "$work/overlay" || fail "overlay does not answer"
# A JPEG's signature in base64.
grep -q '"b64": *"/9j/' "$work/overlay" || fail "overlay gives no JPEG"
echo "ok: overlay gives a picture"

pids=()
for number in $(seq 16); do
  ask "[$good]" "$bytes" "$work/answer-$number" & pids+=($!)
done
all_of "a request among sixteen at once was refused" "${pids[@]}"
grep -o 'iVBORw0KGgo[^"]*' "$one" >"$work/mask"
for number in $(seq 16); do
  grep -qFf "$work/mask" "$work/answer-$number" || fail "an answer among sixteen at once differs"
done
echo "ok: sixteen requests at once get the same mask each"

small=$(pixels 40 48)
large=$(pixels 56 64)
for size in small large; do
  ask "[${!size}]" pixels "$work/$size" || fail "pixels does not answer"
  mask_of "$work/$size" >"$work/$size-mask" || fail "no mask in the answer: $(head -c 300 "$work/$size")"
done
pids=()
for number in $(seq 4); do
  for size in small large; do
    ask "[${!size}]" pixels "$work/$size-$number" & pids+=($!)
    ask "[${!size}]" probabilities "$work/$size-probabilities-$number" & pids+=($!)
  done
done
all_of "pixels of two sizes at once are refused; a server that batches does so: see batching.config" "${pids[@]}"
for number in $(seq 4); do
  for size in small large; do
    mask_of "$work/$size-$number" | cmp -s - "$work/$size-mask" || fail "pixels at once with another size get another mask"
    grep -q '"predictions"' "$work/$size-probabilities-$number" || fail "probabilities gives none"
  done
done
echo "ok: pixels of two sizes at once get their masks and probabilities"

client() {  # client ADDRESS HOW: the mask by export.client is the one that curl got
  (cd "$checkout" && "$python" -m export.client "$1/v1/models/$name" "$image" --signature "$bytes" --out "$work/$2") \
    >"$work/said" 2>&1 || fail "export.client over $2: $(tail -5 "$work/said")"
  cmp -s "$work/mask.png" "$work/$2"/masks/*.png || fail "export.client gets another mask over $2"
  echo "ok: export.client gets the same mask over $2"
}
python=${PYTHON:-python3}
checkout=$(cd "$here/../.." && pwd)
head -1 "$work/mask" | tr -d '\\' | base64 -d >"$work/mask.png"
if (cd "$checkout" && "$python" -c 'import export.client, grpc, httpx2, tenacity, tensorflow_serving') >/dev/null 2>&1; then
  client "$SERVER" REST
  if [ -n "${GRPC_SERVER:-}" ]; then
    client "grpc://$GRPC_SERVER" gRPC
  else
    echo "NOT PROVEN: gRPC, since GRPC_SERVER does not say where it is"
  fi
else
  echo "NOT PROVEN: export.client and gRPC, since $python cannot run it: pip install \".[client]\" in a checkout"
fi

if [ -n "$container" ]; then
  docker exec "$container" bash /config/health.sh "$name" || fail "health.sh, the health check of docker-compose.yml, says no"
  if docker exec "$container" bash /config/health.sh "no-$name"; then fail "health.sh says yes to a model that there is not"; fi
  echo "ok: the health check of docker-compose.yml"
  fetch "$SERVER/monitoring/metrics" >"$work/metrics" || fail "no counters for Prometheus"
  grep -q 'tensorflow' "$work/metrics" || fail "no counters for Prometheus"
  echo "ok: counters for Prometheus"
  # Copied under another name and renamed, as kerasseg writes versions: never seen half.
  cp -r "$work/models/1" "$work/models/.2.partial"
  mv "$work/models/.2.partial" "$work/models/2"
  wait_for 2
  ask "[$good]" "$bytes" "$work/newer" || fail "version 2 does not answer"
  grep -qFf "$work/mask" "$work/newer" || fail "version 2 answers otherwise"
  echo "ok: a new version was taken up by itself"
fi
echo "All is well with $name at $SERVER."
