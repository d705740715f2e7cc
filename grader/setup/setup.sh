#!/usr/bin/env bash
# setup.sh [student|test]: install what is missing, and nothing else.
#
# Says what it will do before it does it; uses sudo only when not root.  Afterwards build/python
# names the Python that has all the modules.
set -u
unset CDPATH GREP_OPTIONS POSIXLY_CORRECT
unset -f cd pwd
set +eCf +o posix +o pipefail # whatever SHELLOPTS says
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=grader/setup/tools.sh
. "$here/tools.sh"

who=${1:-student}
system=$(package_system)

die() {
    echo "rung: $*" >&2
    exit 2
}

# Fills `packages` (to install), `missing` (their tools), `old` (too old) and `pip` (modules for pip).
look() {
    packages=() missing=() old=() pip=()
    local row name package path version words
    mapfile -t modules < <(modules_for "$who")
    find_python "${modules[@]}"
    while IFS='|' read -r -a row; do
        name=${row[0]:-}
        [ -n "$name" ] || continue
        [ "${row[1]}" = student ] || [ "$who" = test ] || continue
        package=$(package_of "$system" "${row[@]:3:4}")
        case $name in
        python)
            [ -n "$PYTHON_PATH" ] && continue ;;
        py:*)
            [[ " $PYTHON_LACKS " == *" ${name#py:} "* ]] || continue
            if [ "$package" = pip ]; then
                pip+=("${name#py:}")
                missing+=("$name")
                continue
            fi ;;
        bwrap)
            [ "$(uname)" = Linux ] || continue
            [ -z "$(command_of bwrap)" ] || continue ;;
        *)
            path=$(command_of "$name")
            if [ -n "$path" ]; then
                [ "${row[2]}" = 0 ] && continue
                version=$(version_of "$path")
                version_at_least "$version" "${row[2]}" && continue
                old+=("$name is version ${version:-unknown}, Rung needs ${row[2]} or newer")
            fi ;;
        esac
        missing+=("$name")
        read -r -a words <<<"$package"
        [ "$package" = - ] || packages+=("${words[@]}")
    done <<<"$TOOLS"
    # On trixie and newer the machine for RISC-V has a package of its own.
    if [ "$system" = apt ] && [[ " ${packages[*]} " == *" qemu-system-misc "* ]] &&
        [ -n "$(apt-cache show qemu-system-riscv 2>/dev/null)" ]; then
        packages=("${packages[@]/qemu-system-misc/qemu-system-riscv}")
    fi
}

remember() {
    mkdir -p "$ROOT/build"
    echo "$PYTHON_PATH" >"$ROOT/build/python"
}

look
if [ ${#missing[@]} = 0 ]; then
    remember
    echo "setup: everything is here"
    exit 0
fi

echo "setup: missing: ${missing[*]}"
[ ${#old[@]} = 0 ] || printf 'setup: too old: %s\n' "${old[@]}"
[ -n "$system" ] ||
    die "no package manager that setup knows (apt, dnf, pacman, brew): install these yourself: ${missing[*]}"

as_root=()
if [ "$(id -u)" != 0 ] && [ "$system" != brew ]; then
    command -v sudo >/dev/null ||
        die "installing needs root, and there is no sudo: have an administrator install: ${packages[*]}"
    as_root=(sudo)
fi

# Run a command, shown first; its output is kept for when it fails.
run() {
    echo "setup: $*"
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        die "this failed: $*; mend what it says (is the network up?), then run \`make setup\` again"
    fi
    rm -f "$log"
}

case $system in
apt)
    export DEBIAN_FRONTEND=noninteractive
    run "${as_root[@]}" apt-get update
    look # only now can apt tell which packages it knows
    # Debian's Python gets Debian's modules: /usr/bin/python3, whatever else is on PATH.
    [ -x /usr/bin/python3 ] || packages+=(python3)
    run "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        "${packages[@]}" ;;
dnf) [ ${#packages[@]} = 0 ] || run "${as_root[@]}" dnf install -y "${packages[@]}" ;;
pacman) [ ${#packages[@]} = 0 ] || run "${as_root[@]}" pacman -S --needed --noconfirm "${packages[@]}" ;;
brew) [ ${#packages[@]} = 0 ] || run brew install "${packages[@]}" ;;
esac
if [ ${#pip[@]} != 0 ]; then
    [ -n "$PYTHON_PATH" ] || find_python
    run "$PYTHON_PATH" -m venv "$ROOT/.venv"
    run "$ROOT/.venv/bin/pip" install -r "$here/requirements.txt"
fi

look
if [ ${#missing[@]} != 0 ]; then
    [ ${#old[@]} = 0 ] || die "${old[0]}: this system's packages have no newer one; see docs/setup.md"
    die "still missing: ${missing[*]}; see docs/setup.md"
fi
remember
echo "setup: done"
