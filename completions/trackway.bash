# SPDX-License-Identifier: MIT
# Completion of trackway's command line for bash. Commands and options are
# asked of the program itself, targets and events of what runs.

# Words offered one a line; a word may be any name, so no expansion.
_trackway_offer()
{
    local word

    while IFS= read -r word; do
        [[ $word == "$cur"* ]] && COMPREPLY+=("$word")
    done
}

_trackway_commands()
{
    "$1" --help 2>/dev/null |
        awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }'
}

_trackway_options()
{
    "$1" help "$2" 2>/dev/null |
        awk '/^Options:/ { on = 1; next } /^$/ { on = 0 } on' |
        grep -o -E '^ +(-., )?--[a-z-]+' | grep -o -E -- '--[a-z-]+'
}

# PIDs of what has a ring, and the names that stand for one.
_trackway_targets()
{
    "$1" list 2>/dev/null | awk 'NR > 1 { print $2; names[$1]++ }
        END { for (name in names) if (names[name] == 1) print name }'
}

# What begins the names of guests' memories, and what follows: bash takes a
# colon for a word of its own.
_trackway_memory()
{
    case $1 in
    vm)
        _trackway_offer < <(
            pgrep '^(qemu-|firecracker|cloud-hyperv|crosvm)' 2>/dev/null)
        ;;
    ram | image | channel | qemu-log | simpletrace | ctf)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    esac
}

_trackway_events()
{
    "$1" events "$2" 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# Whether an option of the command takes a value: help says --name VALUE.
_trackway_takes_value()
{
    "$1" help "$2" 2>/dev/null |
        grep -q -E -- "^ +(-., )?$3 [A-Z]+|^ +$3, --[a-z-]+ [A-Z]+"
}

_trackway()
{
    local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]}
    local previous=${COMP_WORDS[COMP_CWORD - 1]} command target='' memory word i

    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        _trackway_offer < <(_trackway_commands "$program"
            printf '%s\n' help --help --version)
        return
    fi
    command=${COMP_WORDS[1]}
    if [ "$command" = help ]; then
        _trackway_offer < <(_trackway_commands "$program")
        return
    fi

    # The first plain word is the target; after "--" comes another command.
    for ((i = 2; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [ "$word" = -- ]; then
            mapfile -t COMPREPLY < <(compgen -c -f -- "$cur")
            return
        elif [[ $word == -* ]]; then
            _trackway_takes_value "$program" "$command" "$word" &&
                i=$((i + 1))
        else
            memory=$word
            if [ "${COMP_WORDS[i + 1]}" = : ]; then
                if [ $((i + 1)) -eq "$COMP_CWORD" ]; then
                    cur=
                    _trackway_memory "$word"
                    return
                elif [ $((i + 2)) -eq "$COMP_CWORD" ]; then
                    _trackway_memory "$word"
                    return
                fi
                memory=$word:${COMP_WORDS[i + 2]}
                i=$((i + 2))
            fi
            [ -n "$target" ] || target=$memory
        fi
    done

    case $previous in
    -o | --output)
        mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        return
        ;;
    -e | --event)
        return
        ;;
    --events | --schema | --plot)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    --format)
        _trackway_offer < <(printf '%s\n' text json)
        return
        ;;
    --mode)
        _trackway_offer < <(printf '%s\n' overwrite discard block)
        return
        ;;
    -*)
        _trackway_takes_value "$program" "$command" "$previous" && return
        ;;
    esac

    if [[ $cur == -* ]]; then
        _trackway_offer < <(_trackway_options "$program" "$command")
        return
    fi
    case $command in
    events | enable | disable)
        if [ -n "$target" ]; then
            _trackway_offer < <(_trackway_events "$program" "$target")
            return
        fi
        ;;
    esac
    _trackway_offer < <(_trackway_targets "$program"
        [ -z "$cur" ] || printf '%s\n' vm: ram: image:
        [[ -z $cur || $command == @(enable|disable|list|monitor|sync) ]] ||
            echo channel:
        [[ -z $cur || $command != @(print|stat) ]] ||
            printf '%s\n' qemu-log: simpletrace: ctf:)
    case $command in
    events | print | stat)
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur")
        ;;
    esac
}

complete -F _trackway trackway
