#!/bin/sh
# Writes requirements/run.txt and requirements/dev.txt from setup.cfg: every version
# pinned, every archive hashed, for all platforms and for Python 3.11 and later.
# Usage: deploy/lock.sh [--upgrade]     (what `make lock` runs)
set -eu
cd "$(dirname "$0")/.."

tool=.cache/lock
[ -x $tool/bin/uv ] || { python3 -m venv $tool && $tool/bin/pip install --quiet uv; }

compile() {
    target=$1
    shift
    $tool/bin/uv --no-config pip compile setup.cfg --universal --python-version 3.11 \
        --generate-hashes --no-annotate --quiet \
        --custom-compile-command "make lock" "$@" --output-file "$target"
}

compile requirements/run.txt "$@"
# The dev set is the run set and more: the same versions, so one .venv serves both.
compile requirements/dev.txt --extra dev --constraints requirements/run.txt "$@"

if grep -nE '://|--(extra-)?index-url|--find-links' requirements/*.txt; then
    echo "lock: a lock file names a registry; nothing but versions and hashes belongs there" >&2
    exit 1
fi
