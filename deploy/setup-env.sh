#!/bin/sh
# Creates or refreshes .venv from the lock files. Usage: deploy/setup-env.sh run|dev
#
# Needs Python 3.11 or later ($PYTHON chooses one); works with or without root and with
# or without python3-venv. The distribution's own Python comes first: it is built with
# profile-guided optimisation, and a server on it takes up to a fifth less processor time
# than on one built from source as usual (docs/operate/where-the-time-goes.md). Does nothing,
# within some 10 ms, while the lock files and the packaging part of setup.cfg are as they were.
set -eu
cd "$(dirname "$0")/.."

kind=${1:-run}
case $kind in
    run) locks="requirements/run.txt" ;;
    dev) locks="requirements/run.txt requirements/dev.txt" ;;
    *) echo "usage: deploy/setup-env.sh run|dev" >&2; exit 2 ;;
esac
venv=.venv
stamp=$venv/firn-$kind.stamp

fail() {
    echo "firn: $*" >&2
    exit 1
}

# The path is part of the stamp: a moved checkout has a broken .venv. Of setup.cfg only
# the packaging counts, not the settings of the checkers behind it.
fingerprint() {
    { pwd; sed '/^\[mypy\]/,$d' setup.cfg; cat $locks requirements/rocketmq-library.txt; } | sha256sum | cut -d' ' -f1
}

is_fit() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# One path a line, the best first; only $PYTHON where that is set.
fit_pythons() {
    for name in ${PYTHON:-/usr/bin/python3 python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$name" >/dev/null 2>&1 && is_fit "$name"; then
            command -v "$name"
        fi
    done
}

has_pip() { [ -x $venv/bin/python ] && $venv/bin/python -m pip --version >/dev/null 2>&1; }

# Debian without python3-venv has no ensurepip: then any pip, or virtualenv, will do.
venv_with_ensurepip() { "$python" -m venv --clear $venv >/dev/null 2>&1 && has_pip; }

venv_with_other_pip() {
    "$python" -m pip --version >/dev/null 2>&1 || return 1
    "$python" -m venv --clear --without-pip $venv >/dev/null 2>&1 || return 1
    site=$($venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$python" -m pip install --quiet --target "$site" pip && has_pip
}

venv_with_virtualenv() { "$python" -m virtualenv --clear $venv >/dev/null 2>&1 && has_pip; }

venv_with_apt() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq </dev/null >/dev/null 2>&1 || true
    apt-get install -qq -y --no-install-recommends "$version-venv" </dev/null >/dev/null 2>&1 ||
        apt-get install -qq -y --no-install-recommends python3-venv </dev/null >/dev/null 2>&1 ||
        return 1
    venv_with_ensurepip
}

venv_with() {
    python=$1
    echo "firn: creating $venv with $python" >&2
    venv_with_ensurepip || venv_with_other_pip || venv_with_virtualenv || venv_with_apt
}

create() {
    pythons=$(fit_pythons)
    [ -n "$pythons" ] ||
        fail "no Python 3.11 or later found; install one, or name it with PYTHON=/path/to/python"
    for path in $pythons; do
        venv_with "$path" && return
    done
    fail "cannot create $venv: install python3-venv (apt-get install python3-venv)"
}

# The lock files pin every package with its hash, so that what runs is what was tested;
# the project itself is linked, not copied (--no-deps: the lock has decided them).
install() {
    echo "firn: installing the packages of requirements/$kind.txt" >&2
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes \
        --requirement "requirements/$kind.txt" || fail "the packages could not be installed"
    # setuptools warns at length about editable installs: shown only where it fails.
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
        --editable . 2>$venv/editable.log ||
        { cat $venv/editable.log >&2; fail "firn itself could not be installed"; }
    deploy/rocketmq-library.sh || true # it says so itself, and so does `firn doctor`
}

export PIP_ROOT_USER_ACTION=ignore
now=$(fingerprint)
[ -f $stamp ] && [ "$(cat $stamp)" = "$now" ] && exit 0

# A .venv whose interpreter vanished or whose path is another one starts anew.
if has_pip && grep -qF "$(pwd)/$venv" $venv/bin/activate && is_fit $venv/bin/python; then
    :
else
    create
fi
rm -f $venv/firn-*.stamp
install
if [ "$kind" = dev ]; then # the dev set contains the run set
    (locks=requirements/run.txt; fingerprint) >$venv/firn-run.stamp
fi
printf '%s\n' "$now" >$stamp
