#!/bin/sh
# The quick tests on every supported Python of this machine; says loudly what could not be tried.
uv=$1 failed="" tried=""
for version in 3.11 3.12 3.13; do
    python=$("$uv" python find --no-python-downloads --no-project "$version" 2>/dev/null)
    for found in "$HOME"/.pyenv/versions/"$version".*/bin/python; do
        [ -n "$python" ] || { [ -x "$found" ] && python=$found; }
    done
    if [ -z "$python" ]; then
        echo "!!! Python $version: none was found here, NOTHING WAS TESTED on it." >&2
        continue
    fi
    echo "=== Python $version: $python" >&2
    tried="$tried $version"
    UV_PROJECT_ENVIRONMENT=".venv-$version" "$uv" sync --quiet --locked --python "$python" &&
        OMP_WAIT_POLICY=PASSIVE MPLBACKEND=Agg ".venv-$version/bin/python" -m pytest -q -n 2 --dist loadfile ||
        failed="$failed $version"
done
[ -n "$tried" ] || { echo "!!! No supported Python was found." >&2; exit 2; }
[ -z "$failed" ] || { echo "!!! Failed on Python$failed." >&2; exit 1; }
echo "All quick tests pass on Python$tried." >&2
