#!/usr/bin/env bash
# Whether a server has a version of a model ready: health.sh NAME [PORT OF REST]. The exit status is
# 0 if it has. It runs within the image of TensorFlow Serving, which has neither curl nor wget: bash
# opens the connection itself.
set -euo pipefail
exec 3<>"/dev/tcp/localhost/${2:-8501}"
printf 'GET /v1/models/%s HTTP/1.0\r\n\r\n' "$1" >&3
grep -q '"AVAILABLE"' <&3
