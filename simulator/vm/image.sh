# Builds the image of the agent's pod, and what its cluster has. Sourced by build.sh.
# shellcheck shell=bash disable=SC2154

need_image() {
    need_packages buildah openssl
    command -v kubectl >/dev/null || need_packages kubernetes-client
}

# buildah, with a storage of its own, which needs no overlay file system and no namespaces.
with_storage() {
    printf '[storage]\ndriver = "vfs"\ngraphroot = "%s"\nrunroot = "%s"\n' "$built/containers" "$built/containers.run" \
        >"$built/storage.conf"
    CONTAINERS_STORAGE_CONF=$built/storage.conf BUILDAH_ISOLATION=chroot BUILDAH_LAYERS=true "$@"
}

# build_base DIRECTORY: what the base image of the Dockerfile has, from the archive.
build_base() { variant=minbase bootstrap "$1" apt; }

# import_base DIRECTORY NAME: makes a base image.
import_base() {
    local container
    container=$(with_storage buildah from scratch) &&
        cp -a "$1/." "$(with_storage buildah mount "$container")" &&
        with_storage buildah commit --quiet --rm "$container" "$2"
}

# build_image BASE DIRECTORY: runs the instructions of the Dockerfile on the base. The directory gets the file system of
# the image, `disk`, and its entry point, `entrypoint`.
build_image() {
    local base=localhost/base:${1##*-} tag=localhost/gpu-agent:vm container
    rm -rf "$2"
    mkdir -p "$2"
    # A build that was killed leaves its container, and an image with a container cannot be removed.
    with_storage buildah rm --all >/dev/null || return
    with_storage buildah inspect --type image "$base" >/dev/null 2>&1 || import_base "$1" "$base" || return
    with_storage "$root/scripts/image" --engine buildah --binary "$program" --tag $tag \
        --build-arg RUNTIME_IMAGE="$base" || return
    container=$(with_storage buildah from --pull-never $tag) &&
        file_system "$(with_storage buildah mount "$container")" 640M "$2/disk" &&
        with_storage buildah inspect --type image --format \
            '{{range .OCIv1.Config.Entrypoint}}{{println .}}{{end}}' $tag | sed '/^$/d' >"$2/entrypoint" &&
        with_storage buildah rm "$container" &&
        with_storage buildah rmi --prune
}

# cluster_files DIRECTORY: adds to the payload the DaemonSet and its configuration, the service account, and the
# certificate and the objects of the API server.
cluster_files() {
    local work=$1 base=$root/daemonset/base token
    kubectl patch --local -f "$base/daemonset.yaml" --type merge -p '{}' -o json >"$work/daemonset.json"
    mkdir -p "$work"/{configmap,serviceaccount,cluster}
    cp "$base/config.yaml" "$work/configmap"
    mv "$work/catalog.yaml" "$work/configmap"
    "$root/simulator/bin/make-certificates" "$work/cluster" 10.96.0.1
    cp "$work/cluster/ca.crt" "$work/serviceaccount"
    printf gpu-agent >"$work/serviceaccount/namespace"
    token=$(head -c 24 /dev/urandom | base64 | tr -d '+/=')
    printf '%s' "$token" >"$work/serviceaccount/token"
    cp "$base/rbac.yaml" "$work/cluster"
    cat >"$work/cluster/node.json" <<'NODE'
{"apiVersion": "v1", "kind": "Node",
 "metadata": {"name": "gpu-node", "labels": {"kubernetes.io/hostname": "gpu-node", "team": "ml"}},
 "spec": {"taints": [{"key": "gpu-agent.dev/not-ready", "effect": "NoSchedule"},
                     {"key": "sku", "value": "gpu", "effect": "NoSchedule"}]}}
NODE
}
