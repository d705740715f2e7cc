#!/usr/bin/env bash
# doctor.sh: each tool, its version, and what to do about it.  Exit status 1 when a student lacks one.
set -u
unset CDPATH GREP_OPTIONS POSIXLY_CORRECT
unset -f cd pwd
set +eCf +o posix +o pipefail # whatever SHELLOPTS says
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=grader/setup/tools.sh
. "$here/tools.sh"

system=$(package_system)
problems=0
mapfile -t modules < <(modules_for test)
find_python "${modules[@]}"

# advice PACKAGE: how to get it here.
advice() {
    case $system:$1 in
    *:- | :*) echo "not packaged here: see docs/setup.md" ;;
    *:pip) echo "run: make setup" ;;
    *) echo "run: make setup (package $1)" ;;
    esac
}

section() {
    local who=$1 row name path version needed state note refusal
    printf '  %-8s %-20s %-10s %-8s %s\n' '' tool version needed 'what for'
    while IFS='|' read -r -a row; do
        name=${row[0]:-}
        if [ -z "$name" ] || [ "${row[1]}" != "$who" ]; then continue; fi
        path='' version='' needed=${row[2]} state=ok note=${row[7]}
        [ "$needed" = 0 ] && needed=any
        case $name in
        python)
            path=$PYTHON_PATH
            [ -n "$path" ] && version=$(version_of "$path") ;;
        py:*)
            path=$PYTHON_PATH
            if [[ " $PYTHON_LACKS " == *" ${name#py:} "* ]]; then path=''; fi ;;
        firmware) path=$(command_of firmware) ;;
        *)
            path=$(command_of "$name")
            [ -n "$path" ] && version=$(version_of "$path") ;;
        esac
        if [ -z "$path" ]; then
            state=MISSING note=$(advice "$(package_of "$system" "${row[@]:3:4}")")
        elif [ -n "$version" ] && ! version_at_least "$version" "${row[2]}"; then
            state='TOO OLD' note="Rung needs ${row[2]}; $(advice "$(package_of "$system" "${row[@]:3:4}")")"
        fi
        if [ "$state" != ok ] && [ "$who" = student ]; then problems=1; fi
        # bwrap may be there, and not be allowed to do what Rung asks of it: no problem, and worth knowing.
        if [ "$name:$state" = bwrap:ok ] && [ -n "$PYTHON_PATH" ]; then
            refusal=$(cd "$ROOT" && "$PYTHON_PATH" -E -S -m grader.sandbox 2>/dev/null)
            [ -z "$refusal" ] || state=UNUSABLE note="Rung goes on without: $refusal"
        fi
        printf '  %-8s %-20s %-10s %-8s %s\n' "$state" "${name#py:}" "${version:--}" "$needed" "$note"
    done <<<"$TOOLS"
}

echo "For students:"
section student
echo "For authors of labs (make test):"
section test
echo "Python: ${PYTHON_PATH:-none found}"
exit $problems
