import NodeModel

/// The script with which a job on the host installs packages or removes them again.
///
/// Everything that must not be forgotten when the agent is stopped is in this one script: the wait for the lock, the
/// look at the transaction before it, the record of its packages, and the holds. It runs with the shell of every
/// supported distribution (dash and bash). Each package manager brings its own functions.
///
/// An exit status tells the problem, and a line that begins with `ERROR:` describes it.
enum PackageScript {
    /// How the line begins that lists the packages which a removal leaves.
    static let stay = "These packages stay, because other packages need them:"

    /// The exit statuses of the script.
    enum Exit {
        static let failed = 80
        static let busy = 81
        static let missing = 82
        static let refused = 83
        static let wrongHeaders = 84
        static let gone = 85
        static let dkms = 86
        static let noWayBack = 87
    }

    /// The command that installs packages, or only downloads them.
    ///
    /// - Parameters:
    ///   - request: The packages.
    ///   - record: The file on the host that keeps what was installed and what is held.
    ///   - patience: How long to wait for the lock of the package manager, in seconds.
    ///   - installer: The package manager.
    /// - Returns: The command with its arguments.
    static func install(
        _ request: PackageRequest,
        record: String,
        patience: Int,
        with installer: any PackageInstaller
    ) -> [String] {
        let end = request.stage == .download ? download : install
        let script = [prologue, keptFiles, isDriver, installer.functions, look, end].joined(separator: "\n\n")
        let arguments = [request.kernel, "\(patience)", record, request.headers ?? ""]
        return ["sh", "-c", script, "gpu-agent-packages"] + arguments + request.names
    }

    /// The command that refreshes the package index.
    static func refresh(record: String, patience: Int, with installer: any PackageInstaller) -> [String] {
        let script = [prologue, keptFiles, installer.functions, refresh].joined(separator: "\n\n")
        return ["sh", "-c", script, "gpu-agent-packages", "", "\(patience)", record, ""]
    }

    /// The command that removes the packages and the holds in the record.
    static func remove(record: String, patience: Int, with installer: any PackageInstaller) -> [String] {
        let script = [prologue, keptFiles, installer.functions, remove].joined(separator: "\n\n")
        return ["sh", "-c", script, "gpu-agent-packages", "", "\(patience)", record, ""]
    }

    /// Whether a package has a part of a driver, which must not come beside another driver.
    private static let isDriver = """
        is_driver() {
            case $1 in
            \(DriverPackageName.besideDriver.joined(separator: " | "))) false ;;
            \(DriverPackageName.notBesideDriver.joined(separator: " | "))) ;;
            *) false ;;
            esac
        }
        """

    /// Looks at the transaction and refuses one that changes something that is there.
    private static let look = #"""
        wanted='' unfinished=''
        for package; do is_right "$package" || wanted="$wanted $package"; done
        gone=
        for package in $replaced; do
            case " $* " in *" $package "*) ;; *) ! is_there "$package" || gone="$gone $package" ;; esac
        done
        # The files of a package can be there, so that nothing seems to be missing, while the package is not configured.
        for package in $(noted add); do
            if is_there "$package" && ! is_installed "$package"; then unfinished=1; fi
        done
        if [ -n "$wanted$unfinished" ]; then
            wait_for_lock
            heal
        fi
        for package in ${wanted:+$replaced}; do
            case " $wanted $gone " in *" $package "*) ;; *) continue ;; esac
            if is_there "$package" && held_by_others "$package"; then
                fail 83 "The install would change $package, and somebody else holds it."
            fi
        done
        kept=
        if [ -n "$wanted" ] && is_kept; then
            # A job that was killed can have left the packages without a hold.
            kept=1 released=$(own_holds)
        elif [ -n "$wanted" ]; then
            [ -z "${GPU_AGENT_FILES:-}" ] || is_intact "$GPU_AGENT_FILES" ||
                fail 80 "The packages in $GPU_AGENT_FILES are not those that the agent kept there."
            # The index in which the packages were found is still there. A newer one can lack them.
            if [ -n "${GPU_AGENT_DOWNLOADED:-}" ]; then
                refreshed='The repositories had the packages when the agent downloaded them.'
            else
                refreshed='The index of the packages is new.'
                refresh || refreshed="The refresh of the package index failed: $(complaint)"
            fi
            status=0
            # A hold on the headers of an earlier kernel has no use any more, and can hide those of this kernel. Ahead of a
            # boot, the running kernel still needs its headers: they are held again below.
            for package in $(noted hold); do
                [ -n "$headers" ] && [ "$package" != "$headers" ] && is_headers "$package" || continue
                if [ -z "${GPU_AGENT_AHEAD:-}" ]; then
                    release "$package"
                    forget hold "$package"
                elif hides "$package"; then
                    released="$released $package"
                    release "$package"
                fi
            done
            absent='' added='''' removed='' upgraded=''
            preview
            [ -z "$absent" ] || fail 82 "No repository has $(listed $absent). $refreshed"
            for package in $added; do
                if is_kernel "$package"; then fail 83 "The install would add the kernel $package."; fi
            done
            for package in ${GPU_AGENT_BESIDE_DRIVER:+$added}; do
                if is_driver "$package"; then fail 83 "The install would add $package, a part of another driver."; fi
            done
            removed=$(of_others $removed) upgraded=$(of_others $upgraded)
            [ -z "$removed" ] || fail 83 "The install would remove $(listed $removed)."
            [ -z "$upgraded" ] || fail 83 "The install would upgrade $(listed $upgraded)."
        fi
        """#

    private static let download = #"""
        if [ -n "$wanted" ]; then
            keep_former
            if [ -z "$kept" ] && ! download; then
                stop_without_file
                fail 80 "$program cannot download $(listed $wanted): $(complaint)"
            fi
            for package in $released; do if is_installed "$package"; then hold "$package"; fi; done
            released=
        fi
        """#

    private static let install = #"""
        if [ -n "$wanted" ]; then
            release_replaced
            # Before the change, so that nothing is forgotten when the host goes down during it.
            {
                for package in $added; do echo "add $package"; done
                for package in $wanted $(also_held); do if holds "$package"; then echo "hold $package"; fi; done
            } | note || fail 80 "The agent cannot write $record."
            transact
            status=$?
            for package in ${replaced:+$(noted add)}; do
                is_there "$package" && continue
                forget add "$package"
                forget hold "$package"
            done
            for package in $wanted; do
                is_right "$package" && continue
                stop_without_file
                stop_for_dkms
                fail 80 "$program did not install $package (status $status): $(complaint)"
            done
        fi
        note_locks_file || fail 80 "The agent cannot write $record."
        for package in $(noted hold); do
            if is_installed "$package"; then hold "$package"; fi
        done
        released=
        if [ -n "$headers" ]; then
            file=/lib/modules/$kernel/build/include/generated/utsrelease.h
            found=$(sed -n 's/^#define UTS_RELEASE "\(.*\)".*/\1/p' "$file" 2>/dev/null)
            [ "$found" = "$kernel" ] ||
                fail 84 "The package $headers is installed, but $file is ${found:+of the kernel }${found:-missing}."
        fi
        """#

    /// When one of several repositories does not answer, also after a pause, the index of the others is enough.
    private static let refresh = #"""
        wait_for_lock
        refresh_limit=240
        for pause in 2 5 0; do
            ! refresh || exit 0
            sleep "$pause"
        done
        has_index || fail 80 "$program cannot refresh the package index: $(complaint)"
        """#

    private static let remove = #"""
        [ -e "$record" ] || exit 0
        for package in $(noted hold); do release "$package"; done
        added=
        for package in $(noted add); do
            if is_there "$package" && ! is_used "$package"; then added="$added $package"; fi
        done
        if [ -n "$added" ]; then
            wait_for_lock
            heal
            remove $added
            status=$?
            left=
            for package in $added; do if is_there "$package"; then left="$left $package"; fi; done
            # Without a sign of a dependency, the next run tries again: the record stays.
            [ -z "$left" ] || grep -qE 'dependency problems|is needed by|depends on' "$work/output" ||
                fail 80 "$program cannot remove $(listed $left): $(complaint)"
            [ -z "$left" ] || echo "These packages stay, because other packages need them: $(listed $left)"
        fi
        for file in $(noted made); do has_locks "$file" || rm -f "$file"; done
        rm -f "$record"
        """#
}
