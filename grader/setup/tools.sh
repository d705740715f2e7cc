# shellcheck shell=bash
# tools.sh: the one table of what Rung needs, for setup.sh and doctor.sh.
#
# Run on Debian 12; the names for Ubuntu are the same.  Those for Fedora, Arch and macOS are from
# their package indexes, and have not been run.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# A place for temporary files that is not there is as good as none.
if [ ! -d "${TMPDIR:-/tmp}" ] || [ ! -w "${TMPDIR:-/tmp}" ]; then unset TMPDIR; fi

# name | who | minimum version | apt | dnf | pacman | brew | what for
# who: student, or test (only `make test`).  A minimum of 0 means any.  Several packages of a system stand
# beside each other, with spaces between.
TOOLS='
git|student|0|git|git|git|git|keeping your work
ninja|student|1.8|ninja-build|ninja-build|ninja|ninja|building, and building only what changed
qemu-system-riscv64|student|7.0|qemu-system-misc|qemu-system-riscv|qemu-system-riscv|qemu|the machine
firmware|student|0|opensbi|edk2-riscv64|qemu-system-riscv-firmware|qemu|what the machine starts with (OpenSBI)
compiler|student|12|gcc-riscv64-unknown-elf|-|riscv64-elf-gcc|riscv64-elf-gcc|compiling kernel and programs
gdb|student|0|gdb-multiarch|gdb|riscv64-elf-gdb|riscv64-elf-gdb|make debug
mtools|student|4.0|mtools|mtools|mtools|mtools|making disks, and looking at them (lab 5)
fsck.fat|student|0|dosfstools|dosfstools|dosfstools|dosfstools|checking what is on a disk (lab 5)
bwrap|student|0|bubblewrap|bubblewrap|bubblewrap|-|keeping a submission away from your files
python|student|3.9|python3|python3|python|python@3.12|the grader
py:pytest|student|0|python3-pytest|python3-pytest|python-pytest|pip|running the tests of a lab
py:pexpect|student|0|python3-pexpect|python3-pexpect|python-pexpect|pip|sessions with typed input
py:rich|student|0|python3-rich|python3-rich|python-rich|pip|the report
py:elftools|student|0|python3-pyelftools|python3-pyelftools|python-pyelftools|pip|reading programs and kernels
py:tomllib|student|0|python3-tomli|python3-tomli|python-tomli|pip|reading lab.toml (Python before 3.11)
py:xdist|test|0|python3-pytest-xdist|python3-pytest-xdist|python-pytest-xdist|pip|running the tests of Rung on all cores
py:hypothesis|test|0|python3-hypothesis|python3-hypothesis|python-hypothesis|pip|feeding odd input to what reads it
py:jsonschema|test|0|python3-jsonschema|python3-jsonschema|python-jsonschema|pip|checking results.json
gcc|test|0|gcc libc6-dev|gcc glibc-devel libasan libubsan|gcc|-|parts of the kernel as programs of this machine
linux-compiler|test|0|gcc-riscv64-linux-gnu libc6-dev-riscv64-cross|-|riscv64-linux-gnu-gcc riscv64-linux-gnu-glibc|-|programs for Linux, with its C library, that our kernel is to run
qemu-riscv64|test|7.0|qemu-user|qemu-user|qemu-user|-|Linux as the oracle for what a program prints
clang-format|test|14|clang-format|clang-tools-extra|clang|clang-format|formatting C
cppcheck|test|2|cppcheck|cppcheck|cppcheck|cppcheck|suspicious C
black|test|0|black|black|python-black|black|formatting Python
mypy|test|0|mypy|python3-mypy|mypy|mypy|types of Python
shellcheck|test|0|shellcheck|ShellCheck|shellcheck|shellcheck|suspicious shell
'

# The command that serves a tool, or nothing.
command_of() {
    local name
    case $1 in
    compiler)
        for name in "${CROSS:-riscv64-unknown-elf-}gcc" riscv64-unknown-elf-gcc riscv64-elf-gcc; do
            command -v "$name" && return
        done ;;
    gdb)
        for name in gdb-multiarch riscv64-unknown-elf-gdb riscv64-elf-gdb; do
            command -v "$name" && return
        done ;;
    firmware)
        for name in /usr/share/qemu /usr/share/opensbi/lp64/generic/firmware \
            /usr/local/share/qemu /opt/homebrew/share/qemu; do
            [ -e "$name/opensbi-riscv64-generic-fw_dynamic.bin" ] &&
                echo "$name/opensbi-riscv64-generic-fw_dynamic.bin" && return
        done ;;
    mtools) command -v mformat ;;
    fsck.fat)
        # Where the PATH of who is not root does not lead: as in grader/disk.py.
        PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin:/opt/homebrew/sbin command -v fsck.fat ;;
    gcc) links gcc -fsanitize=address,undefined && command -v gcc ;;
    linux-compiler) links riscv64-linux-gnu-gcc -static && command -v riscv64-linux-gnu-gcc ;;
    *) command -v "$1" ;;
    esac
}

# Does this compiler, with such flags, make whole programs?  It can be there without the libraries.
links() {
    local place status
    command -v "$1" >/dev/null && place=$(mktemp -d) || return
    printf '#include <stdlib.h>\nint main(void) { return EXIT_SUCCESS; }\n' >"$place/try.c"
    "$@" "$place/try.c" -o "$place/try" 2>/dev/null
    status=$?
    rm -rf "$place"
    return $status
}

# The first dotted number that a command's --version prints.
version_of() {
    "$1" --version 2>/dev/null | grep -oE '[0-9]+\.[0-9]+(\.[0-9]+)?' | head -n 1
}

# Is version $1 at least $2?
version_at_least() {
    [ "$2" = 0 ] || [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# Which of the given modules this Python lacks, one line; fails where it is older than 3.9.
# tomllib came with Python 3.11; before, its twin tomli does the same.
python_lacks() {
    "$1" - "${@:2}" 2>/dev/null <<'PYTHON'
import sys
from importlib.util import find_spec
assert sys.version_info >= (3, 9)
names = [n if n != "tomllib" or sys.version_info >= (3, 11) else "tomli" for n in sys.argv[1:]]
print(" ".join("tomllib" if n == "tomli" else n for n in names if find_spec(n) is None))
PYTHON
}

# The Python that the packages of the system's package manager serve.
SYSTEM_PYTHON=${SYSTEM_PYTHON:-/usr/bin/python3}

# Every Python that might do, in the order of preference.
python_candidates() {
    local name
    for name in "${PYTHON:-}" "$ROOT/.venv/bin/python" python3 "$SYSTEM_PYTHON" python3.13 python3.12 \
        python3.11 python3.10 python3.9 /opt/homebrew/bin/python3; do
        [ -n "$name" ] && command -v "$name"
    done
}

# Sets PYTHON_PATH to a Python that has all the modules "$@", and PYTHON_LACKS to nothing.  Where there
# is none, to the one that packages can complete, and to what it lacks: another Python, a pyenv one
# say, may have more of them, and would never get the rest.
# shellcheck disable=SC2034  # used by those who source this
find_python() {
    local candidate lacks
    while read -r candidate; do
        lacks=$(python_lacks "$candidate" "$@") || continue
        PYTHON_PATH=$candidate PYTHON_LACKS=$lacks
        [ -z "$lacks" ] && return
    done < <(python_candidates)
    if lacks=$(python_lacks "$SYSTEM_PYTHON" "$@"); then
        PYTHON_PATH=$SYSTEM_PYTHON PYTHON_LACKS=$lacks
    elif [ "$(package_system)" != brew ]; then
        PYTHON_PATH='' PYTHON_LACKS="$*"
    fi
}

# apt, dnf, pacman, brew, or nothing.
package_system() {
    local name
    for name in apt-get dnf pacman brew; do
        command -v "$name" >/dev/null && echo "${name%-get}" && return
    done
}

# The package of a row for this system: package_of SYSTEM apt dnf pacman brew
package_of() {
    case $1 in
    apt) echo "$2" ;;
    dnf) echo "$3" ;;
    pacman) echo "$4" ;;
    brew) echo "$5" ;;
    esac
}

# Modules of a kind of user: "student", or "test", who needs the students' too.
modules_for() {
    local row
    while IFS='|' read -r -a row; do
        case ${row[0]:-} in
        py:*) if [ "${row[1]}" = student ] || [ "$1" = test ]; then echo "${row[0]#py:}"; fi ;;
        esac
    done <<<"$TOOLS"
}
