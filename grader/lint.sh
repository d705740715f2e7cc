#!/usr/bin/env bash
# lint.sh check|format: formats, types, suspicious code; and the size of the taught kernel.
set -u
unset CDPATH GREP_OPTIONS POSIXLY_CORRECT
unset -f cd pwd
set +eCf +o posix +o pipefail # whatever SHELLOPTS says
cd "$(dirname "$0")/.." || exit 2
mode=${1:-check}
python=$(cat build/python)
status=0

mapfile -t c_files < <(git ls-files --cached --others --exclude-standard '*.c' '*.h')
mapfile -t python_files < <(git ls-files --cached --others --exclude-standard '*.py')
mapfile -t shell_files < <(git ls-files --cached --others --exclude-standard '*.sh' '.ci/run')

# step NAME COMMAND...: run quietly, and show the output only of what fails.
step() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "  ok    $name"
    else
        status=1
        echo "  FAIL  $name"
        printf '%s\n' "$output" | head -n 40
    fi
}

if [ "$mode" = format ]; then
    clang-format -i "${c_files[@]}" && black -q "${python_files[@]}" && echo "Formatted."
    exit
fi

step clang-format clang-format --dry-run --Werror "${c_files[@]}"
step cppcheck cppcheck --quiet --error-exitcode=1 --std=c11 --platform=unix64 \
    --enable=warning,performance,portability --inline-suppr --suppressions-list=grader/cppcheck.txt \
    -I kernel/include kernel labs/*/solution
step cppcheck-user cppcheck --quiet --error-exitcode=1 --std=c11 --platform=unix64 \
    --enable=warning,performance,portability --inline-suppr --suppressions-list=grader/cppcheck.txt \
    -I user/include user
step cppcheck-host cppcheck --quiet --error-exitcode=1 --std=c11 --platform=unix64 \
    --enable=warning,performance,portability --inline-suppr --suppressions-list=grader/cppcheck.txt \
    grader/qemu_template.c
step black black -q --check "${python_files[@]}"
step mypy mypy --strict --python-executable "$python" grader labs/*/test_*.py
step shellcheck shellcheck -x "${shell_files[@]}"

# lines PATTERN...: how many lines of code; blank lines, comments and the starter's stubs are none.
lines() {
    git ls-files --cached --others --exclude-standard "$@" | xargs cat |
        sed '/^ *\/\* STUB/,/\*\//d' | grep -cvE '^\s*($|//|/\*|\*)'
}

# What is taught: the kernel's own four rooms, and the solutions, without those of challenges.
mapfile -t challenges < <(awk '/^file = / {gsub(/"/, "", $3); file = $3}
    /^challenge = true/ {path = FILENAME; sub(/lab.toml/, "solution/" file, path); print ":!" path}' \
    labs/*/lab.toml)
TAUGHT_MAX=4500
taught=$(lines 'kernel/boot/*.[cS]' 'kernel/mm/*.[cS]' 'kernel/proc/*.[cS]' 'kernel/sched/*.[cS]' \
    'kernel/trap/*.[cS]' 'labs/*/solution/*' "${challenges[@]}")
echo "  The taught core has $taught lines of code; it is to stay within $TAUGHT_MAX."
echo "  Beside it: $(lines 'kernel/include/*') of headers, $(lines 'kernel/lib/*') of library," \
    "$(lines 'kernel/fs/*' 'kernel/dev/*') of files and devices, $(lines 'kernel/compat/*') for C libraries."
[ "$taught" -le "$TAUGHT_MAX" ] || status=1
exit $status
