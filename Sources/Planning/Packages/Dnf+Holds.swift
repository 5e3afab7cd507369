extension Dnf {
    /// How dnf 4 and dnf 5 hold packages with their command `versionlock`.
    static let holds = #"""
        # Headers have their version in the record, and other packages only their name.
        name_of() { case $1 in kernel*-devel-[0-9]*) echo "${1%-*-*}" ;; *) echo "$1" ;; esac; }
        # VERSION-RELEASE; empty when it is not known.
        version_of() {
            case $1 in
            kernel*-devel-[0-9]*)
                found=${1#"${1%-*-*}"-}
                echo "${found%.*}"
                ;;
            *) if is_installed "$1"; then rpm -q --queryformat '%{VERSION}-%{RELEASE}\n' "$1" | sed -n 1p; fi ;;
            esac
        }

        # The locks of a package; when it is not installed, those of its name. The plugin of dnf 4 prints one in a line, with
        # the epoch before the version and any architecture behind it. dnf 5 prints the conditions below the name, and its
        # locks are those of the name.
        entries() {
            name=$(name_of "$1")
            if is_dnf4; then
                lock=$(version_of "$1")
                versionlock list 2>/dev/null | while read -r entry; do
                    case $(echo "$entry" | sed 's/-[0-9]*:/-/') in
                    "$name-${lock:-/}.*") echo "$entry" ;;
                    "$name"-[0-9]*) [ -n "$lock" ] || echo "$entry" ;;
                    esac
                done
            else
                versionlock list 2>/dev/null | grep -A 2 -xF "Package name: $name" | grep -v '^$'
            fi
        }
        locks_file() { is_dnf4 || echo /etc/dnf/versionlock.toml; }
        hold() {
            [ -n "$(entries "$1")" ] || change_locks add "$1" || fail 80 "dnf versionlock cannot hold $1."
        }
        release() {
            if is_dnf4; then
                for entry in $(entries "$1"); do change_locks delete "$entry"; done
                return
            fi
            # dnf 5 deletes all locks of a name, so there must be no other one.
            name=$(name_of "$1") version=$(version_of "$1")
            found=$(entries "$1" | sed 's/^evr = [0-9]*:/evr = /')
            case $found in
            '') ;;
            "Package name: $name
        evr = $version") change_locks delete "$name" ;;
            *) echo "The locks of $name stay, because not all of them are from this agent." ;;
            esac
        }
        """#
}
