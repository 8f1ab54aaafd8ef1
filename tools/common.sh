# What the scripts in tools/commands share. Sourced, never run.
# shellcheck shell=bash
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
jobs=${CLOUDFLOW_JOBS:-$(nproc)}
# What is fetched or built once for all clones.
# shellcheck disable=SC2034  # for those who source this
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cloudflow

if [[ -t 1 && -z ${NO_COLOR-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' plain=$'\e[0m'
else
  bold='' red='' plain=''
fi

step() { printf '%s==> %s%s\n' "$bold" "$*" "$plain"; }

fail() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}

# Wrong usage: says what is wrong and where help is.
misuse() {
  local command=tools/${0##*/}
  [[ $0 == */commands/* ]] && command="./dev ${0##*/}"
  printf '%serror:%s %s\nSee %s --help\n' "$red" "$plain" "$*" "$command" >&2
  exit 2
}

# Prints what stands between the lines `#:` of the script: its help. Exits when the arguments ask for it.
help_when_asked() {
  local argument
  for argument in "$@"; do
    case $argument in
      -h | --help)
        sed -n 's/^#: \{0,1\}//p' "$0"
        exit 0
        ;;
      --) return ;;
    esac
  done
}

# Installs the packages of these groups (tools/packages) when one is missing.
need() { "$root/tools/commands/setup" --quiet "$@"; }

# Passes on what a reader needs of the output of ninja and ctest: how far it is, and what went wrong.
quietly() {
  local terminal=0
  [[ -t 1 ]] && terminal=1
  awk -v terminal="$terminal" -f "$root/tools/progress.awk"
}

# configure PRESET: makes build/PRESET unless it is there and as new as the presets.
configure() {
  local preset=$1 tree=$root/build/$1
  [[ -f $tree/build.ninja && $tree/.configured -nt $root/CMakePresets.json ]] && return
  step "configure $preset"
  mkdir -p "$tree"
  if ! cmake -S "$root" --preset "$preset" >"$tree/configure.log" 2>&1; then
    tail -n 40 "$tree/configure.log" >&2
    fail "CMake could not configure preset $preset (all of it: build/$preset/configure.log)"
  fi
  touch "$tree/.configured"
}

# compile PRESET TARGET...: builds targets; a second one in the same tree waits for the first.
compile() {
  local preset=$1 started=$SECONDS
  shift
  configure "$preset"
  step "build $preset: $*"
  flock "$root/build/$preset/.lock" \
    cmake --build "$root/build/$preset" -j "$jobs" --target "$@" 2>&1 | quietly ||
    fail "building $* ($preset) failed; the first message above is the cause"
  printf '    %s s\n' "$((SECONDS - started))"
}
