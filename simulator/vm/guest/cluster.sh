# The cluster of the node: the API server, the stand-in of the kubelet, and the words for what they show. Sourced by
# guest/main.
# shellcheck shell=bash disable=SC2154

# The addresses of the API server's service, of the node in the pod network, and of the pod.
api_address=10.96.0.1 node_address=10.244.0.1 pod_address=10.244.0.2
kubelet_state=/run/vm-node/kubelet
startup_taint=gpu-agent.dev/not-ready

# start_cluster: connects the pod to the node, and starts the API server. The server keeps its objects over a reboot.
# The Node has the agent's startup taint. The label `team` and the taint `sku` have other owners.
start_cluster() {
    ip link add pod0 type veth peer name eth0 netns pod
    ip address add $node_address/24 dev pod0
    ip link set pod0 up
    ip -n pod address add $pod_address/24 dev eth0
    ip -n pod link set eth0 up
    ip -n pod route add default via $node_address
    ip address add $api_address/32 dev lo
    ip link set lo up
    ./gpu-sim api-server --host $api_address --port 443 --cert cluster/server.crt --key cluster/server.key \
        --agent-token "$(cat serviceaccount/token)=gpu-node" --token admin --rbac cluster/rbac.yaml \
        --node-file cluster/node.json --state-file "$state/cluster.json" --request-log api.log >api-server.log 2>&1 &
    within 4 has_node || broken 'the API server does not have the Node'
}

# api PATH: prints an object, as JSON.
api() {
    curl -sf -m 20 --cacert serviceaccount/ca.crt -H 'Authorization: Bearer admin' "https://$api_address/api/v1/$1"
}
node_object() { api nodes/gpu-node; }
has_node() { node_object >/dev/null; }

# label NAME: prints the value, or nothing.
label() { node_object | jq -r --arg name "$1" '.metadata.labels[$name] // empty'; }
has_label() { [ "$(label "$1")" = "$2" ]; }

# agent_labels: prints the labels that the agent wrote, sorted.
agent_labels() {
    node_object | jq -r '.metadata | .labels as $labels
        | .managedFields[] | select(.manager == "gpu-agent" and .operation == "Apply")
        | .fieldsV1["f:metadata"]["f:labels"] // {} | keys[] | select(startswith("f:")) | ltrimstr("f:")
        | "\(.)=\($labels[.])"' | sort
}

taints() { node_object | jq -r '.spec.taints[]? | "\(.key):\(.effect)"'; }
is_tainted() { taints | grep -x "$startup_taint:NoSchedule" >/dev/null; }
is_untainted() { [ "$(taints)" = sku:NoSchedule ]; }

# has_conditions TYPE=STATUS…: the Node has these conditions, and no other ones.
has_conditions() {
    [ "$(node_object | jq -r '[.status.conditions[]? | "\(.type)=\(.status)"] | sort | join(" ")')" = "$*" ]
}

# event_reasons: prints the reasons of all events, in the order of their creation.
event_reasons() {
    api namespaces/default/events | jq -r '.items | sort_by(.eventTime // .firstTimestamp)[].reason' | xargs
}

# start_pod, stop_pod: what the DaemonSet and its deletion do. kill_agent ends the container as a crash does.
start_pod() {
    setsid guest/kubelet &
    kubelet=$!
    await 4 'the pod starts' test -s $kubelet_state/container
}
stop_pod() {
    kill -TERM "$kubelet"
    wait "$kubelet"
    # The volumes of a pod go with it.
    find volumes -mindepth 2 -delete
}
kill_agent() { kill -KILL "$(cat "$kubelet_state/container")"; }
is_ready() { [ "$(verdict)" = ready ]; }
pod_is_ready() { [ -e $kubelet_state/ready ]; }
restarts() { grep -c ' ended ' $kubelet_state/events; }
restarted() { [ "$(grep -c ' started ' $kubelet_state/events)" -gt 1 ]; }

# The pod is ready, and the Node shows it: the verdict, no startup taint, and the labels that the hardware has on the
# simulated node, too.
check_published_ready() {
    check 'the Node has the verdict ready' has_label gpu-agent.dev/verdict ready
    check 'the startup taint is gone, and the other one is not' is_untainted
    check 'the labels are those of the hardware' has_labels_of_hardware
    check 'the label of another owner is there' has_label team ml
}

has_labels_of_hardware() { diff <(sort hardware/labels) <(agent_labels); }

# await_ready UNITS: the pod becomes ready, and its Node shows it.
await_ready() {
    await "$1" 'the pod becomes ready' pod_is_ready || tail -n 30 $kubelet_state/log
    # On a node that works, the agent can still have something to do, such as to start nvidia-persistenced.
    await 10 'the agent has finished its work' is_ready
    check_ready
    await 4 'the startup taint is removed' is_untainted
    check_published_ready
}

# The kubelet killed no container.
no_kills() { ! grep killed $kubelet_state/events; }
