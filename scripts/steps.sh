# Functions for steps with time limits that write files to a directory, for scripts/real-gpu, which sets $out (the directory),
# $agent, $end (when no time is left, in milliseconds), $step_limit (in seconds) and $problems (the number of failures).
# shellcheck shell=bash disable=SC2154

now=0
clock() { now=$((${EPOCHREALTIME//[.,]/} / 1000)); }

# ended PID MILLISECONDS: waits this long for the end of a process.
ended() {
    local deadline
    clock
    deadline=$((now + $2))
    while kill -0 "$1" 2>/dev/null; do
        [ $now -lt $deadline ] || return 1
        sleep 0.02
        clock
    done
}

# stop PID: ends a process with its process group. Does not wait for one that even SIGKILL does not end.
stop() {
    local signal
    for signal in TERM KILL; do
        kill -s $signal -- "-$1" 2>/dev/null || true
        if ended "$1" 2000; then return 0; fi
    done
    disown "$1"
}

# bounded SECONDS FILE COMMAND...: runs the command with this time limit. Its output goes to the file. Sets `code`, which
# is 124 when the time is up, and `took` in milliseconds.
bounded() {
    local started limit=$1 file=$2
    clock
    started=$now code=0
    shift 2
    setsid "$@" >"$file" 2>"$file.err" </dev/null &
    running=$!
    if ended "$running" $((limit * 1000)); then
        wait "$running" 2>/dev/null || code=$?
    else
        stop "$running"
        code=124
    fi
    running=''
    clock
    took=$((now - started))
    [ -s "$file.err" ] || rm -f "$file.err"
}

# note NAME RESULT [EXIT] [MILLISECONDS] [COMMAND]: records a step, and prints it.
note() {
    local seconds
    printf -v seconds '%d.%03d' $((${4:-0} / 1000)) $((${4:-0} % 1000))
    printf '%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "${3:-}" "$seconds" "${5:-}" >>"$out/steps.tsv"
    printf '%-8s %-26s %8s s%s\n' "$2" "$1" "$seconds" "${3:+  exit status $3}"
    case $2 in failed | timeout) problems=$((problems + 1)) ;; esac
}
skip() { note "$1" skipped '' 0 "$2"; printf '         %s\n' "$2"; }

# step FILE SECONDS "EXIT..." COMMAND...: runs a step that may end with these exit codes.
step() {
    local name=$1 most=$2 accepted=$3 left result=failed shown
    shift 3
    clock
    left=$(((end - now) / 1000))
    [ "$most" -le "$left" ] || most=$left
    [ "$most" -le "$step_limit" ] || most=$step_limit
    [ "$most" -ge 1 ] || { skip "$name" 'no time is left'; problems=$((problems + 1)); return 1; }
    shown=${*//"$agent"/gpu-agent}
    bounded "$most" "$out/$name" "$@"
    if [ $code = 124 ]; then result=timeout; elif [[ " $accepted " == *" $code "* ]]; then result=ok; fi
    note "$name" $result $code $took "$shown"
    [ $result = ok ]
}
figure() { printf '%s\t%s\n' "$1" "$2" >>"$out/figures.tsv"; }

# times NAME RUNS LIMIT COMMAND...: measures a command that works. LIMIT is in milliseconds, or 0.
times() {
    local name=$1 runs=$2 most=$3 list=() begin middle
    shift 3
    while [ ${#list[@]} -lt "$runs" ] && clock && [ $now -lt "$end" ]; do
        begin=$now
        timeout 10 "$@" >/dev/null 2>&1 || true
        clock
        list+=($((now - begin)))
    done
    [ ${#list[@]} -gt 0 ] || return 0
    mapfile -t list < <(printf '%s\n' "${list[@]}" | sort -n)
    middle=${list[$((${#list[@]} / 2))]}
    figure "$name-milliseconds" "{\"runs\": ${#list[@]}, \"least\": ${list[0]}, \"median\": $middle, \"most\": ${list[-1]}}"
    printf '         %s: %s ms (median of %s, %s to %s)\n' "$name" "$middle" ${#list[@]} "${list[0]}" "${list[-1]}"
    [ "$most" = 0 ] || [ "$middle" -lt "$most" ] || {
        printf 'failed   %s takes %s ms or longer\n' "$name" "$most"
        problems=$((problems + 1))
    }
}
