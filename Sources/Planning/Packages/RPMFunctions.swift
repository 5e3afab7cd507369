/// The shell functions that dnf, tdnf and zypper share.
enum RPMFunctions {
    static let script = #"""
        # Makes a repository of the packages of a bundle: its files are in one directory. `use_bundle` tells the program the
        # directory of the only repository file.
        open_bundle() {
            bundle=${GPU_AGENT_BUNDLE:-}
            [ -n "$bundle" ] && [ -z "$sources" ] || return 0
            if [ -e "$bundle/repomd.xml" ]; then
                mkdir -p "$bundle/repodata" && mv "$bundle"/*.xml "$bundle"/*.xml.gz "$bundle/repodata" ||
                    fail 80 "The agent cannot write to $bundle."
            fi
            mkdir -p "$work/repos.d"
            printf '%s\n' '[gpu-agent]' 'name=gpu-agent' "baseurl=file://$bundle" enabled=1 gpgcheck=0 repo_gpgcheck=0 \
                >"$work/repos.d/gpu-agent.repo"
            use_bundle "$work/repos.d"
        }

        # The headers with their version, because those of other kernels have the same name.
        exact() { case $headers in "$1"-[0-9]*) echo "$headers" ;; *) echo "$1" ;; esac; }

        remove() {
            locked rpm -e "$@" && return
            # Together is not possible: one after the other, as long as one of them goes.
            while :; do
                gone=
                for package; do if is_there "$package" && rpm -e "$package" 2>>"$work/output"; then gone=1; fi; done
                [ -n "$gone" ] || return
            done
        }
        """#
}
