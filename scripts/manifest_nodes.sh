# The checks of scripts/check-manifests that ask on which nodes the agent runs. They use its `pass` and `fail`.
# shellcheck shell=bash

# placement FILE: prints how the DaemonSet in the file selects nodes, one value per line:
#
#   unavailable VALUE                   maxUnavailable of its rollout
#   selector KEY=VALUE                  a label of its node selector
#   term KEY OPERATOR VALUE… [+ …]      a term of its required node affinity
placement() {
    awk '
        function flush_expression() { if (key != "") term = term (term == "" ? "" : " + ") key " " operator values
            key = operator = values = "" }
        function flush_term() { flush_expression(); if (term != "") print "term", term; term = "" }
        { match($0, /^ */); indent = RLENGTH; gsub(/"/, "") }
        /^---/ { flush_term(); daemonset = required = selector = 0; next }
        /^kind: DaemonSet$/ { daemonset = 1 }
        !daemonset { next }
        $1 == "maxUnavailable:" { print "unavailable", $2 }
        selector && indent <= selector { selector = 0 }
        required && indent <= required { flush_term(); required = 0 }
        selector { print "selector", substr($1, 1, length($1) - 1) "=" $2 }
        $1 == "nodeSelector:" { selector = indent }
        required && $1 == "-" && indent == required + 2 { flush_term() }
        required && / key: / { flush_expression(); key = $NF }
        required && / operator: / { operator = $NF }
        required && $1 == "-" && NF == 2 { values = values " " $2 }
        $1 == "requiredDuringSchedulingIgnoredDuringExecution:" && !pods { required = indent }
        { pods = $1 ~ /^pod(Anti)?Affinity:$/ }
        END { flush_term() }
    ' "$1"
}

# The labels of GPU nodes in docs/deployment.md, in the form of `placement`.
gpu_labels() {
    # shellcheck disable=SC2016
    sed -n '/^### Which nodes$/,/^#/{/^### Which/d; /^| `/p}' docs/deployment.md | cut -d '|' -f 2 | grep -oE '`[^`]+`' |
        tr -d '`' | sed -E 's/^([^=]+)=(.*)$/term \1 In \2/; t; s/$/ Exists/; s/^/term /'
}

# An overlay of one cloud selects by a part of the labels. A term of it can have more conditions.
selects_known_labels() {
    local term
    while read -r term; do
        grep -qxFf <(gpu_labels) < <(sed 's/^term //; s/ + /\n/g' <<<"$term" | sed 's/^/term /') || return 1
    done <<<"$1"
}

check_nodes() {
    local found terms pool limit what="nodes $2"
    found=$(placement "$1")
    terms=$(grep '^term ' <<<"$found" | sort || true)
    pool=$(sed -n 's/^selector //p' <<<"$found" | grep -vE '^kubernetes\.io/(os|arch)=' || true)
    limit=$(sed -n 's/^unavailable //p' <<<"$found")
    if [ -z "$pool" ] && [ "$2" != daemonset/base ] && [ -n "$terms" ]; then
        if ! selects_known_labels "$terms"; then
            fail "$what: a term selects nodes by no label in docs/deployment.md:"$'\n'"$terms"
            return
        fi
    elif [ -z "$pool" ] && [ "$terms" != "$(gpu_labels | sort)" ]; then
        fail "$what: the affinity does not select the nodes with the labels in docs/deployment.md:"$'\n'"$(
            diff <(gpu_labels | sort) <(printf '%s\n' "$terms") || true)"
        return
    fi
    case $2:$limit in
    */uninstall:100% | *:1 | *:[1-9]% | *:10%) ;;
    *) fail "$what: maxUnavailable is '$limit'. A bad release must stop at a tenth of the GPU nodes"; return ;;
    esac
    pass "$what: $limit of the nodes with ${pool:-one of $(wc -l <<<"$terms") labels}"
}

# Without the toleration, the agent never starts on a new node with the taint, and nothing else removes it.
check_taints() {
    local key effect count=0 absent=''
    while read -r key effect; do
        count=$((count + 1))
        grep -qxE " +- key: $key" "$1" || absent+=" no toleration for $key;"
        grep -qF "'$key:$effect'" "$1" || absent+=" $key:$effect is not in the policy;"
    done < <(sed -nE '/^ +startupTaints:$/,/^ +[a-z]+:/s/^ +- \{key: ([^,]+), effect: ([A-Za-z]+)\}$/\1 \2/p' "$1")
    if [ $count -gt 0 ] && [ -z "$absent" ]; then
        pass "taints $2: $count start-up taints"
    else
        fail "taints $2:${absent:- the configuration has no start-up taints}"
    fi
}
