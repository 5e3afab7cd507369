extension Dnf {
    /// How dnf 4 and dnf 5 bring the files of packages to a directory that stays, and install from it.
    static let files = #"""
        # The files that the agent kept are the only packages then. They were verified when they were downloaded, and the
        # agent knows their checksums. Their key can be gone.
        files=
        if [ -n "${GPU_AGENT_FILES:-}" ]; then
            mkdir -p "$work/none"
            use_bundle "$work/none"
            options="$options --setopt=localpkg_gpgcheck=False"
        fi
        # Without an epoch, as in the names of files.
        version_there() { rpm -q --queryformat '%{VERSION}-%{RELEASE}\n' "$1" 2>/dev/null | sed -n 1p; }
        # has_file DIRECTORY NAME VERSION
        has_file() { ls "$1/$2-${3#*:}".*.rpm >/dev/null 2>&1; }
        # Whether rpm would take a file as a new package, or as a newer version of one.
        is_newer() { rpm -U --test --nodeps --replacefiles --ignoresize --nosignature "$1" >/dev/null 2>&1; }

        # Asks for the files of the wanted packages, and for those of dependencies that are missing. An update of the system
        # can have brought a dependency to a newer version than that of the file, and that one stays.
        choose_files() {
            [ -n "${GPU_AGENT_FILES:-}" ] || return 0
            files=
            for package in $wanted; do
                version=$(entry_of "$package") version=${version#*=}
                if has_file "$GPU_AGENT_FILES" "$package" "$version"; then
                    files="$files $(ls "$GPU_AGENT_FILES/$package-${version#*:}".*.rpm)"
                else
                    absent="$absent $package-$version"
                fi
            done
            for file in "$GPU_AGENT_FILES"/*.rpm; do
                name=$(rpm -qp --nosignature --queryformat '%{NAME}' "$file" 2>/dev/null)
                case " $wanted " in *" $name "*) continue ;; esac
                if is_installed "$name"; then
                    # New packages can need a newer version of a dependency. Only one of the agent may change.
                    [ -n "$(of_others "$name")" ] || ! is_newer "$file" || files="$files $file"
                else
                    files="$files $file"
                fi
            done
        }

        # Downloads with a command of dnf to a directory of its own, and verifies: fetch COMMAND... Both versions of dnf leave
        # the file of a package with a wrong signature.
        fetch() {
            rm -rf "$work/fresh" && mkdir "$work/fresh" || return
            # The install of dnf 5 has no option for the directory.
            locked "$@" -y --downloadonly --setopt=destdir="$work/fresh" && is_signed "$@"
        }
        # dnf 5 verifies the signatures of packages neither with --downloadonly nor when it installs files. It does so before
        # it tests a transaction, with the keys and the settings of each repository.
        is_signed() {
            is_dnf4 || locked "$@" -y --setopt=tsflags=test --setopt=destdir="$work/fresh" && return
            # A package that goes first can be in the way of the new one. Signatures come before that.
            [ -n "$gone" ] && grep -q '^Transaction failed: Rpm transaction failed' "$work/output"
        }

        download() {
            if [ -z "${GPU_AGENT_KEPT:-}" ]; then
                locked dnf_install -y --downloadonly
                return
            fi
            fetch dnf_install && prepare "$GPU_AGENT_KEPT" || return
            # The files of another attempt can have other versions. Those for the way back stay.
            [ "$GPU_AGENT_KEPT" = "${GPU_AGENT_FORMER:-}" ] || rm -f "$GPU_AGENT_KEPT"/*.rpm
            mv "$work/fresh"/*.rpm "$GPU_AGENT_KEPT" && seal "$GPU_AGENT_KEPT"
        }
        dnf_reinstall() {
            named=$1
            shift
            not_waiting dnf $sources $options --setopt=metadata_expire=never reinstall "$@" "$named"
        }
        download_former() { fetch dnf_reinstall "$2-$3" && mv "$work/fresh"/*.rpm "$1"; }
        """#
}
