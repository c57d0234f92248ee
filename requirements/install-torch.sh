#!/bin/sh
# Install the CPU build of torch, of the version in constraints.txt, in a virtual environment.
#
#     requirements/install-torch.sh VENV
set -eu

venv=$1
here=$(cd "$(dirname "$0")" && pwd)

pip() { "$venv/bin/python" -m pip --disable-pip-version-check "$@"; }

# PyPI's torch for Linux is the CUDA build with gigabytes of libraries, so it is never left to pip
# to choose. torch's own index is asked for this one package only, and only if the CPU build is not
# among the places pip already knows: where it cannot be reached, pip would retry for minutes.
torch=torch==$(sed -n "s/^torch==\([^ ;]*\).*/\1/p" "$here/constraints.txt")
[ "$(uname -s)" = Darwin ] || torch=$torch+cpu
if ! "$venv/bin/python" - "$torch" 2>/dev/null <<'PYTHON'
import sys
from importlib.metadata import version
sys.exit(version("torch") != sys.argv[1].partition("==")[2])
PYTHON
then
    pip install --quiet --no-deps "$torch" 2>/dev/null ||
        pip install --quiet --no-deps "$torch" --index-url https://download.pytorch.org/whl/cpu
fi
