import NodeModel

extension PackageScript {
    /// The functions for the files of packages that stay on the host, and for packages that give way to others.
    static let keptFiles = #"""
        # The packages of the agent that this job replaces. With them, the transaction may change what the record names.
        replaced=${GPU_AGENT_REPLACES:-}
        of_others() {
            for package; do
                if [ -n "$replaced" ] && noted add | grep -qxF "$package"; then continue; fi
                echo "$package"
            done
        }

        # Whether a package is there; one that gives way must be there in the version that is asked for. The names of RPM
        # packages have no epoch.
        is_right() {
            is_installed "$1" || return
            case " $replaced " in *" $1 "*) ;; *) return 0 ;; esac
            version=$(version_there "$1")
            case $(entry_of "$1") in "$1=$version" | "$1="[0-9]":$version") ;; *) false ;; esac
        }
        entry_of() { for pin in ${GPU_AGENT_PINS:-}; do case $pin in "$1="*) echo "$pin" ;; esac; done; }

        # A hold on the old version would keep the new one away. `fail` and the end of the script hold it again.
        own_holds() { for package in $replaced; do noted hold | grep -xF "$package"; done; }
        # Whether somebody else holds a package. What hides a held package needs no answer.
        held_by_others() { false; }
        release_replaced() {
            for package in $(own_holds); do
                case " $released " in *" $package "*) continue ;; esac
                released="$released $package"
                release "$package"
            done
        }

        # Whether a directory has all files that the agent kept there, as they were.
        is_intact() { (cd "$1" && sha256sum --quiet -c \#(FabricPackages.checksums)) >/dev/null 2>&1; }
        # Whether an earlier job downloaded all that is wanted, so that no repository is needed.
        is_kept() {
            [ -n "${GPU_AGENT_KEPT:-}" ] && [ -z "${GPU_AGENT_BUNDLE:-}" ] && is_intact "$GPU_AGENT_KEPT" || return
            for package in $wanted; do
                version=$(entry_of "$package") version=${version#*=}
                [ -n "$version" ] && has_file "$GPU_AGENT_KEPT" "$package" "$version" || return
            done
        }
        # What an interrupted download left is not complete.
        prepare() { is_intact "$1" || { rm -rf "$1" && mkdir -p "$1"; }; }
        seal() {
            (
                cd "$1" && sha256sum -- *.deb *.rpm 2>/dev/null >"$work/sums"
                [ -s "$work/sums" ] && cp "$work/sums" \#(FabricPackages.checksums).new && sync -- * &&
                    mv \#(FabricPackages.checksums).new \#(FabricPackages.checksums) && sync .
            )
        }

        # The way back needs the files of the packages that give way, so they are here before something stops.
        keep_former() {
            [ -n "${GPU_AGENT_FORMER:-}" ] || return 0
            for package in $replaced; do
                is_installed "$package" || continue
                version=$(version_there "$package")
                if is_intact "$GPU_AGENT_FORMER" && has_file "$GPU_AGENT_FORMER" "$package" "$version"; then continue; fi
                prepare "$GPU_AGENT_FORMER"
                download_former "$GPU_AGENT_FORMER" "$package" "$version" && seal "$GPU_AGENT_FORMER" ||
                    fail 87 "No repository has $package $version, to which the agent would go back: $(complaint)"
            done
        }
        """#
}
