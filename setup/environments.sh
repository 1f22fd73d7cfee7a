#!/usr/bin/env bash
# Makes the two environments from the lock files: .venv (advisor) and .venv-rasa (dialogue).
# Does nothing where they are up to date.
#   ADVISOR_TORCH_INDEX  index of CPU builds of torch (without it, whatever pip finds)
#   ADVISOR_ENV_CACHE    folder to keep environments in, by the hash of their lock file
set -euo pipefail
cd "$(dirname "$0")/.."
TORCH=2.13.0

say() { printf '%s\n' "$*" >&2; }

# Print a working interpreter of one of the versions given, or fail.
find_python() {
  local version found
  for version in "$@"; do
    for found in "python$version" "$(PYENV_VERSION=$(pyenv versions --bare 2>/dev/null | grep -m1 "^$version\.") pyenv which "python$version" 2>/dev/null || true)" \
        "$(uv python find --no-project "$version" 2>/dev/null || true)"; do
      if [ -n "$found" ] && "$found" -c 'import venv, ensurepip' 2>/dev/null; then
        "$found" -c 'import sys; print(sys.executable)'
        return
      fi
    done
  done
  if command -v uv >/dev/null; then
    say "Python $1 is missing; uv fetches it."
    uv python install -q "$1" && uv python find --no-project "$1" && return
  fi
  return 1
}

# make NAME GROUP VERSION...: an environment from requirements/GROUP.lock
make_environment() {
  local name=$1 group=$2 hash python home
  shift 2
  hash=$(cat "requirements/$group.lock" "$0" | sha256sum | cut -c1-16)
  if [ "$(cat "$name/.made-from" 2>/dev/null)" = "$hash" ] && "$name/bin/python" -c '' 2>/dev/null; then return; fi
  home=$PWD/$name
  [ -z "${ADVISOR_ENV_CACHE:-}" ] || home=$ADVISOR_ENV_CACHE/$group-$hash
  if [ "$(cat "$home/.made-from" 2>/dev/null)" != "$hash" ]; then
    python=$(find_python "$@") || {
      say "Python $1 was not found. Install it (Debian: apt install python$1-venv; pyenv: pyenv install $1; or install uv, which fetches it) and run this again."
      exit 1
    }
    say "Making $name with $("$python" --version) (a few minutes, once) …"
    rm -rf "$home"
    mkdir -p "$(dirname "$home")"
    "$python" -m venv "$home"
    "$home/bin/python" -m pip install -q --disable-pip-version-check --upgrade pip wheel 'setuptools<81'
    say "  packages of requirements/$group.lock …"
    "$home/bin/python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --require-hashes -r "requirements/$group.lock"
    if [ "$group" = advisor ]; then
      say "  torch $TORCH …"
      "$home/bin/python" -m pip install -q --disable-pip-version-check "torch==$TORCH" ${ADVISOR_TORCH_INDEX:+--index-url "$ADVISOR_TORCH_INDEX"}
    fi
    printf '%s' "$hash" > "$home/.made-from"
  fi
  if [ "$home" != "$PWD/$name" ]; then rm -rf "$name"; ln -s "$home" "$name"; fi
}

make_environment .venv-rasa dialogue 3.10
make_environment .venv advisor 3.11 3.12
# The command "advisor" of this very checkout.
if [ "$(cat .venv/.checkout 2>/dev/null)" != "$PWD" ]; then
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
  printf '%s' "$PWD" > .venv/.checkout
fi
