# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What each case file in ../cases sources first: one line per result, and the plan at the end. tests/run takes a file
# without its plan for one that died.
#
#       ok NAME                         not_ok NAME REASON              skip NAME REASON
#       comment TEXT...                 check NAME COMMAND...           check_not NAME COMMAND...
#       wait_for SECONDS COMMAND...     run_case NAME [SECONDS]         done_testing

# Results of subshells must be counted, too: each leaves a character in this file.
_tally=$(mktemp /run/tally.XXXXXX)

_result() { # WORD NAME REASON: one line, whatever the reason looks like
        local reason=${3//[$'\n\r']/ }
        printf '.' >>"$_tally"
        printf '%s %s%s\n' "$1" "$2" "${reason:+ - $reason}"
}

ok() { # NAME
        _result ok "$1" ""
}

not_ok() { # NAME REASON
        printf '!' >>"$_tally"
        _result 'not ok' "$1" "${2:-failed}"
}

skip() { # NAME REASON
        _result skip "$1" "${2:?a skip needs its reason}"
}

comment() { # TEXT...
        local line
        while IFS= read -r line; do printf '# %s\n' "$line"; done <<<"$*"
}

# The command's output is shown only if it fails.
_check() { # WANTED NAME COMMAND...
        local output status=0 wanted=$1 name=$2
        shift 2
        output=$("$@" 2>&1) || status=$?
        if { [ "$wanted" = 0 ] && [ $status -eq 0 ]; } || { [ "$wanted" != 0 ] && [ $status -ne 0 ]; }; then
                ok "$name"
                return 0
        fi
        comment "$(head -n 30 <<<"$output")"
        not_ok "$name" "exit status $status: $*"
        return 1
}

check() { # NAME COMMAND...: it must succeed
        _check 0 "$@"
}

check_not() { # NAME COMMAND...: it must fail
        _check 1 "$@"
}

wait_for() { # SECONDS COMMAND...: until it succeeds
        local end=$((SECONDS + $1))
        shift
        until "$@" >/dev/null 2>&1; do
                [ $SECONDS -lt $end ] || return 1
                sleep 0.1
        done
}

# run_case NAME [SECONDS]: run the function case_NAME by itself, so that its death or its endless wait is one failure and
# the next case goes on. If it gives no result of its own, its exit status is the result.
run_case() {
        local name=$1 limit=${2:-60} before after pid timer status=0
        before=$(stat -c %s "$_tally")
        set -m # a process group for it, which can be ended as one
        (
                set +m
                "case_$name"
        ) </dev/null &
        pid=$!
        (
                trap 'kill "$!" 2>/dev/null; exit' TERM
                sleep "$limit" &
                wait $!
                : >"$_tally.$pid"
                kill -KILL -- "-$pid"
        ) </dev/null >/dev/null 2>&1 &
        timer=$!
        set +m
        wait "$pid" 2>/dev/null || status=$?
        kill "$timer" 2>/dev/null
        wait "$timer" 2>/dev/null
        after=$(stat -c %s "$_tally")
        if [ -e "$_tally.$pid" ]; then
                rm -f "$_tally.$pid"
                not_ok "$name" "not finished after $limit s"
        elif [ "$before" = "$after" ]; then
                if [ $status -eq 0 ]; then ok "$name"; else not_ok "$name" "exit status $status"; fi
        elif [ $status -gt 128 ]; then
                not_ok "$name" "ended by signal $((status - 128))"
        fi
}

done_testing() {
        local results failures
        results=$(tr -dc . <"$_tally" | wc -c)
        failures=$(tr -dc ! <"$_tally" | wc -c)
        rm -f "$_tally"
        printf '1..%d\n' "$results"
        [ "$failures" -eq 0 ]
}
