#!/bin/sh
# Unpacks RocketMQ's native library into .venv, where homeserver/infrastructure/rocketmq looks
# for it after an operator's own. Does nothing where it is there. Only the distributed form
# needs it, and not every platform can have it: then this says so in one line and fails.
set -eu
cd "$(dirname "$0")/.."

place=.venv/share/firn/librocketmq
pin=requirements/rocketmq-library.txt
[ -f $place/rocketmq/librocketmq.so ] && cmp -s $pin $place/pin.txt && exit 0

rm -rf $place
mkdir -p "$(dirname $place)"
if ! .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --require-hashes --requirement $pin --target $place 2>.venv/library.log; then
    echo "firn: no native RocketMQ library ($(tail -n 1 .venv/library.log)); one process needs none" >&2
    exit 1
fi
cp $pin $place/pin.txt
