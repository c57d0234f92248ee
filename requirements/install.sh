#!/bin/sh
# Make a virtual environment and install neurosparse in it, editable, with everything it can use.
#
#     requirements/install.sh VENV [PYTHON]
#
# pip only. Versions are those of constraints.txt; running it again brings VENV up to date.
set -eu

venv=$1
wanted=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")
constraints=$here/constraints.txt

# The first of these that really starts and is one of ours (pyenv's shims exist but may not start).
find_python() {
    for candidate in ${wanted:-python3.11 python3 python3.12 python3.13 python3.10}; do
        if "$candidate" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' \
            >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "neurosparse needs Python 3.10 to 3.13 (3.11 is what the lock was made with);" \
        "${wanted:-python3.11 and python3} cannot be used." \
        "Install one, or name it: make PYTHON=/path/to/python3.11" >&2
    return 1
}

locked() { sed -n "s/^$1==\([^ ;]*\).*/\1/p" "$constraints"; }

if ! "$venv/bin/python" -c "import pip" >/dev/null 2>&1; then  # none, or cut short
    python=$(find_python)
    "$python" -m venv "$venv"
fi
pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

# --group, used below, came with pip 25.1; venv brings an older one.
pip install --quiet "pip==$(locked pip)"

"$here/install-torch.sh" "$venv"

pip install --quiet --constraint "$constraints" --group "$root/pyproject.toml:dev" \
    --editable "$root[all]"

# The last release of lava-nc declares Python < 3.11 and numpy < 2; neurosparse mends what differs.
pip install --quiet --no-deps --ignore-requires-python "lava-nc==$(locked lava-nc)"

# tonic reads the files of event cameras. Of what it declares, audio and ROS packages among them,
# reading files needs numpy only, and one has no wheel for Python >= 3.12.
pip install --quiet --no-deps "tonic==$(locked tonic)"
