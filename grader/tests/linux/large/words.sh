#!/bin/sh
# Words: variables, substitution, arithmetic, patterns, functions.
# What shellcheck warns of is what is tried here.
# shellcheck disable=SC2016,SC2030,SC2031,SC2043,SC2046,SC2154
name=world
echo "Hello, $name, ${name%ld} ${name#w} ${#name} ${none-unset} ${none:-empty} ${name:+set}"
echo "$((3 * 7 + 4)) $((0x1f & ~3)) $((10 / 3)) $((-7 % 3)) $((1 << 20))"
for i in 1 2 3; do
    for j in a b; do
        [ "$i$j" = 2b ] && continue 2
        printf '%s%s ' "$i" "$j"
    done
done
echo
n=0
while [ $n -lt 5 ]; do
    n=$((n + 1))
    case $n in
    1) echo one ;;
    [23]) echo "two or three" ;;
    *) break ;;
    esac
done
until [ $n -eq 0 ]; do n=$((n - 1)); done
echo "n is $n"
sum() {
    total=0
    for each; do total=$((total + each)); done
    echo $total
    return $(($# % 256))
}
sum 1 2 3 4
echo "status $?"
echo "the sum is $(sum 10 20 $(sum 5 5))"
text=$(printf 'one\ntwo\nthree\n')
echo "$text" | while read -r line; do echo "> $line"; done
set -- x "y z" w
echo "$# words, the second is '$2', all: $*"
shift
echo "after shift: $1"
IFS=:
for part in a:b:c; do echo "no split: $part"; done
list=a:b:c
for part in $list; do echo "split: $part"; done
unset IFS
eval 'indirect=$name'
echo "$indirect"
test -f disk/words.sh && ! test -d disk/words.sh && test -d disk && echo "tests of files"
echo disk/*.sh
printf '%5d|%-5s|%x|%s\n' 42 ab 255 "last"
export name
(
    name=changed
    echo "in a subshell: $name"
)
echo "outside: $name"
readonly fixed=1
echo "$fixed"
trap 'echo "at the end: $?"' EXIT
exit 17
