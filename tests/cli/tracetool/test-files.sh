#!/bin/bash
# SPDX-License-Identifier: MIT
# test-files.sh TRACETOOL: what becomes of output files, when all goes well and
# when it does not.
set -u
tracetool=$(realpath "$1")
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

fail() {
    echo "FAILED: $1"
    failed=1
}

# expect STATUS WORDS...: run tracetool; its stderr goes to the file err
expect() {
    local expected=$1 status
    shift
    "$tracetool" "$@" >out 2>err
    status=$?
    [ "$status" = "$expected" ] || fail "exit $status, not $expected: $*"
    if [ "$status" = 0 ]; then
        [ ! -s err ] || fail "complains: $*"
    else
        [ -s err ] || fail "no reason given: $*"
    fi
}

# says TEXT: so does the last command's stderr
says() {
    grep -qF -- "$1" err || fail "'$1' is not in: $(head -1 err)"
}

# only FILES...: there is nothing else in the folder
only() {
    local found
    found=$(find . -mindepth 1 ! -name out ! -name err -printf '%P\n' |
        LC_ALL=C sort | tr '\n' ' ')
    [ "$found" = "$* " ] || fail "files are $found, not $*"
}

header=(--format=h --backends=ring)
echo 'foo(int a) "a=%d"' >good
echo 'foo() ""' >bad

# New, unchanged, changed.
expect 0 "${header[@]}" good new.h
only bad good new.h
grep -q 'trace_foo(int a)' new.h || fail "new.h has no event"
[ ! -s out ] || fail "prints although it has a file"
touch -d @1000 new.h
expect 0 "${header[@]}" good new.h
[ "$(stat -c %Y new.h)" = 1000 ] || fail "an unchanged file was written"
echo 'bar(void)' >>good
expect 0 "${header[@]}" good new.h
[ "$(stat -c %Y new.h)" != 1000 ] || fail "a changed file was not written"
grep -q 'trace_bar(void)' new.h || fail "new.h is the old one"

# To stdout: without a file, as "-", and the same bytes as in a file.
expect 0 "${header[@]}" --group=new good
cp out plain
expect 0 "${header[@]}" --group=new good -
cmp -s out plain || fail "'-' is not stdout"
expect 0 "${header[@]}" --group=new good new.h
cmp -s plain new.h || fail "stdout and file differ"
rm plain

# Several inputs are one group.
echo 'second(void)' >second
expect 0 "${header[@]}" good second new.h
grep -q 'TW_DECLARE_STATES(good, 3)' new.h || fail "not one group of three"
rm second

# A rule for make: the inputs and what they include, special characters escaped.
mkdir 'in $1'
printf 'include "part"\nwhole(int a) "a=%%d"\n' >'in $1/whole'
echo 'part(void)' >'in $1/part'
expect 0 "${header[@]}" --depfile=new.d good 'in $1/whole' new.h
cat >expected <<'END'
new.h: \
  good \
  in\ $$1/whole \
  in\ $$1/part

good:

in\ $$1/whole:

in\ $$1/part:
END
cmp -s new.d expected || fail "new.d is $(cat new.d)"
if command -v make >/dev/null; then
    printf 'include new.d\nnew.h:\n\techo made\n' >Makefile
    touch new.h
    make -q new.h || fail "make finds new.h out of date"
    touch -d '1 hour ago' good 'in $1/whole' new.h
    [ "$(make -s new.h 2>&1)" = made ] || fail "make does not know in \$1/part"
    rm 'in $1/part'
    [ "$(make -s new.h 2>&1)" = made ] || fail "make misses what was removed"
fi
rm -f -r 'in $1' expected Makefile new.d
expect 1 "${header[@]}" --depfile=no/new.d good new.h
says "Error: cannot write no/new.d: No such file or directory"
expect 1 "${header[@]}" --depfile=new.d bad new.h
[ ! -e new.d ] || fail "an error, yet a depfile"

# "-" is the standard input.
expect 0 "${header[@]}" --group=new - new.h <good
"$tracetool" "${header[@]}" --group=new - - <good >out || fail "stdin to stdout"
cmp -s out new.h || fail "stdin to stdout and to a file differ"

# Errors leave an old file alone, and no new one behind.
cp new.h old.h
expect 1 "${header[@]}" bad new.h
says "Error at bad:1: Empty argument"
cmp -s new.h old.h || fail "an error changed the old file"
expect 1 "${header[@]}" good bad other.h
expect 1 "${header[@]}" good missing other.h
says "Error: cannot read missing: No such file or directory"
expect 1 --format=zzz --backends=ring good other.h
expect 1 --format=h --backends=zzz good other.h
expect 1 "${header[@]}" good no/other.h
says "Error: cannot write no/other.h: No such file or directory"
mkdir folder
expect 1 "${header[@]}" good folder
says "Error: cannot write folder: Is a directory"
expect 1 "${header[@]}" folder other.h
says "Error: cannot read folder: Is a directory"
rmdir folder
printf 'foo(void)\n\0\n' >nul
expect 1 "${header[@]}" nul other.h
says "nul:2:1: "
rm nul
head -c 100000000 /dev/zero | tr '\0' a >line
expect 1 "${header[@]}" line other.h
says "line:1:1: file is larger than 67108864 bytes"
rm line
only bad good new.h old.h

# An input is never overwritten.
cp good kept
expect 1 "${header[@]}" good kept good
says "the output is an input"
cmp -s good kept || fail "an input was overwritten"
rm kept

# A full disk.
if [ -w /dev/full ]; then
    expect 1 "${header[@]}" good /dev/full
    says "Error: cannot write /dev/full: No space left on device"
    [ -c /dev/full ] || fail "/dev/full is no device any more"
    "$tracetool" "${header[@]}" good >/dev/full 2>err &&
        fail "stdout on a full disk is no error"
    says "No space left on device"
    "$tracetool" --help >/dev/full 2>err &&
        fail "help on a full disk is no error"
fi

# A pipe is written to as it is.
mkfifo pipe
cat pipe >piped &
expect 0 "${header[@]}" --group=good good pipe
wait $!
grep -q 'trace_foo(int a)' piped || fail "nothing came through the pipe"
[ -p pipe ] || fail "the pipe was replaced"
rm pipe piped

# No permission; root has it everywhere.
if [ "$(id -u)" != 0 ]; then
    chmod a-r good
    expect 1 "${header[@]}" good other.h
    says "Error: cannot read good: Permission denied"
    chmod u+r good
    mkdir closed
    cp new.h closed/new.h
    echo 'baz(void)' >>good
    chmod a-w closed
    expect 1 "${header[@]}" good closed/new.h
    says "Error: cannot write closed/new.h: Permission denied"
    cmp -s new.h closed/new.h || fail "the old file in a closed folder changed"
    chmod u+w closed
    rm -r closed
else
    echo "running as root: nothing is forbidden, permissions are not tested"
fi
only bad good new.h old.h
exit $failed
