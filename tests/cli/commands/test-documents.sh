#!/bin/bash
# SPDX-License-Identifier: MIT
# The man pages name the options that there are, and no others; the completion
# offers what there is. Takes the paths of man/ and completions/ as well.
# shellcheck source=tests/cli/commands/lib.sh disable=SC1091,SC2154
. "${0%/*}/lib.sh"
man=$4
completions=$5

commands=$("$trackway" --help |
    awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }')
[ "$(wc -w <<<"$commands")" -ge 7 ] || fail "commands are '$commands'"

options_of_help()
{
    "$trackway" help "$1" |
        awk '/^Options:/ { on = 1; next } /^$/ { on = 0 } on' |
        grep -o -E '^ +(-., )?--[a-z-]+( [A-Z]+)?' |
        sed -E 's/^ +//' | sort
}

# Each as usage should say it: by its letter, if it has one, with its value.
options_for_usage()
{
    options_of_help "$1" | sed -E '/--help$/d; s/^(-.), --[a-z-]+/\1/' | sort
}

options_of_usage()
{
    grep -o -E '(^| |\[)--?[a-z][a-z-]*( [A-Z]+)?' <<<"$1" |
        sed -E 's/^[ []//' | sort
}

options_of_page()
{
    sed -n '/^# OPTIONS/,/^# EXAMPLES/p' "$man/trackway-$1.1.scd" |
        grep -E '^\*-' | tr -d '*_' | sort
}

for command in $commands; do
    page=$man/trackway-$command.1.scd
    [ -f "$page" ] || fail "$command has no page"
    expect_equal "$(options_of_page "$command")" "$(options_of_help "$command")"
    # All of it, however it is broken into lines.
    usage=$("$trackway" help "$command" | sed -n '1,/^$/p' | xargs)
    usage=${usage#Usage: }
    expect_equal "$(options_of_usage "$usage")" \
        "$(options_for_usage "$command")"
    expect_equal "$("$trackway" help "$command" | awk 'length > 80')" ''
    # The synopsis, but for the marks.
    synopsis=$(sed -n '/^# SYNOPSIS/,/^# DESCRIPTION/p' "$page" |
        grep -v '^#' | tr -d '*_\\' | xargs)
    expect_equal "$synopsis" "$usage"
    grep -q "^\*trackway-$command\*(1)\|, \*trackway-$command\*(1)" \
        "$man/trackway.1.scd" || fail "trackway(1) leaves out $command"
    if command -v scdoc >/dev/null; then
        scdoc <"$page" >/dev/null || fail "scdoc $page"
    fi
done
for page in "$man"/trackway-*.scd; do
    name=${page##*/trackway-}
    grep -qw "${name%.1.scd}" <<<"$commands" || fail "$page has no command"
done

# What a traced program's environment may hold: the same in README and page.
variables_of()
{
    grep -o -E "^$2TRACKWAY[A-Z_]*" "$1" | grep -o 'TRACKWAY.*' | sort -u
}
variables=$(variables_of "$man/../README.md" '[|] `')
[ "$(wc -w <<<"$variables")" -ge 10 ] || fail "variables are '$variables'"
expect_equal "$(variables_of "$man/trackway.1.scd" '[*]')" "$variables"

# The completion, as bash would call it.
PATH=${trackway%/*}:$PATH
. "$completions/trackway.bash"

complete_line()
{
    COMP_WORDS=(trackway "$@")
    COMP_CWORD=$#
    _trackway
    sort -u < <(printf '%s\n' "${COMPREPLY[@]}") | tr '\n' ' '
}

expect_equal "$(complete_line li)" 'list '
expect_equal "$(complete_line en)" 'enable '
expect_equal "$(complete_line help st)" 'stat '
expect_equal "$(complete_line list --)" '--clean --help --json '
expect_equal "$(complete_line list x)" ' '
for command in $commands; do
    expect_equal "$(complete_line "$command" --)" \
        "$(options_of_help "$command" | grep -o -E -- '--[a-z-]+' | sort |
            tr '\n' ' ')"
done
expect_equal "$(complete_line list v)" 'vm: '
expect_equal "$(complete_line enable im)" 'image: '
# A colon is a word of its own.
touch "$directory/guest.ram"
expect_equal "$(complete_line enable ram : "$directory/guest")" \
    "$directory/guest.ram "
expect_equal "$(complete_line print cha)" 'channel: '
expect_equal "$(complete_line print qe)" 'qemu-log: '
expect_equal "$(complete_line enable qe)" ' '
expect_equal "$(complete_line stat qemu-log : "$directory/guest")" \
    "$directory/guest.ram "
expect_equal "$(complete_line print channel : "$directory/guest")" \
    "$directory/guest.ram "
expect_equal "$(complete_line print --events "$directory/guest")" \
    "$directory/guest.ram "
start_ticker
expect_equal "$(complete_line enable ti)" 'ticker '
expect_equal "$(complete_line list ti)" 'ticker '
expect_equal "$(complete_line enable "$pid")" "$pid "
expect_equal "$(complete_line enable --json ticker tick_)" \
    'tick_end tick_never tick_quiet tick_start '
expect_equal "$(complete_line disable "$pid" tick_s)" 'tick_start '
expect_equal "$(complete_line print -n 5 ti)" 'ticker '
expect_equal "$(complete_line print -n ti)" ' '
expect_equal "$(complete_line print --format j)" 'json '
