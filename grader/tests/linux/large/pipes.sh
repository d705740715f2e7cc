#!/bin/sh
# Processes: pipes, redirections, other programs, how they end.
# shellcheck disable=SC2016
echo one | cat | cat | cat
echo first >disk/out
echo second >>disk/out
cat <disk/out
cat disk/out disk/none 2>disk/errors
echo "status $?"
cat <<END | cat
a document of $((1 + 1)) lines,
the second one
END
{
    echo to standard output
    echo to standard error >&2
} >disk/both 2>&1
cat disk/both
exec 5>disk/five
echo through five >&5
exec 5>&-
read -r line <disk/five
echo "read: $line"
false || echo "false or this"
true && echo "true and this"
if cat disk/none 2>/dev/null; then echo there; else echo "not there"; fi
i=0
while [ $i -lt 300 ]; do
    echo "line number $i of many, which are more than a pipe can hold at once"
    i=$((i + 1))
done | (
    count=0
    while read -r line; do
        count=$((count + 1))
        last=$line
    done
    echo "$count lines, the last: $last"
)
bin/dash -c 'kill -9 $$'
echo "killed: $?"
bin/dash -c 'echo "inner: $0 $1"; exit 9' name argument
echo "inner ended with $?"
(
    cd disk || exit 1
    echo in the directory >here
    cat here
)
cat disk/here
/bin/echo "$(/bin/echo from "$(/bin/echo the inside)")"
one=1 two=2 bin/dash -c 'echo $one $two ${three-none}'
no-such-program 2>/dev/null
echo "not found: $?"
disk/dir 2>/dev/null
echo "not to be run: $?"
yes() { while :; do echo y; done; }
yes | {
    read -r answer
    echo "who writes for ever is ended: $answer"
}
set -e
echo "before"
false
echo "not reached"
