package import NodeModel

/// Removes trees of the driver from DKMS with which DKMS can do nothing.
///
/// A tree without its source is left when the files of a driver were deleted by hand, or when an installer was killed. DKMS
/// stops at the first of them, and so does `dkms remove` when modules of it are built. A tree that is half built is left by a
/// power failure: `dkms remove` leaves it, and `dkms add` refuses it. The modules in `/lib/modules` stay.
package struct RemoveStaleDKMS: Operation {
    /// The trees, such as `nvidia/535.54.03`.
    package var trees: [String]
    /// Whether the step prepares the kernel of the next boot, while the driver works.
    package var isAhead: Bool

    /// Why DKMS can do nothing with them, for the title.
    private var reason: String

    /// Nil when there is no such tree.
    package init?(_ trees: [DKMSTree], isAhead: Bool = false) {
        guard !trees.isEmpty else { return nil }
        self.trees = trees.map(\.id)
        self.isAhead = isAhead
        let lacking = trees.count { $0.lacksSource == true }
        reason =
            switch lacking {
            case trees.count: trees.count == 1 ? "its source is gone" : "their sources are gone"
            case 0: trees.count == 1 ? "its build was interrupted" : "their builds were interrupted"
            default: "DKMS can neither build nor remove them"
            }
    }

    /// The steps that the host needs before something on it uses DKMS; empty when it has no such tree.
    static func operations(_ facts: NodeFacts) -> [any Operation] {
        [Self(facts.staleDKMSTrees)].compactMap(\.self)
    }

    private var paths: [String] { trees.map { "/var/lib/dkms/\($0)" } }

    package var id: StepID { isAhead ? .staleDKMSAhead : .staleDKMS }
    package var title: String { "remove \(trees.joined(separator: ", ")) from DKMS, because \(reason)" }
    package var changes: String { paths.joined(separator: ", ") }
    package var deadlineSeconds: Int { 60 }
    package var effects: [Effect] { [.run([["sh", "-ec", Self.script, "remove-stale-dkms"] + trees])] }
    package var failure: StepFailure {
        StepFailure(
            isAhead ? .buildAheadFailed : .dkmsBuildFailed,
            subject: "the removal from DKMS",
            remedy: "Wait until no 'dkms' process runs on the node. Then run 'gpu-agent install' again. If it fails "
                + "again, remove \(changes) on the node first."
        )
    }
    package var leaves: String? { "\(trees.joined(separator: ", ")) does not come back to DKMS" }

    /// What DKMS itself does when it removes a tree.
    ///
    /// The source can be back by now, and a build can have ended. The link of the source goes last, because the agent and
    /// DKMS know a tree by it: a script that was cut off runs again.
    private static let script = #"""
        # modules: the names that dkms.conf gives to modules, one on each line. DEST_MODULE_NAME renames the built module of
        # the same number.
        modules() {
            sed -n "s/^[[:space:]]*\(BUILT\|DEST\)_MODULE_NAME\[\([0-9]*\)\]=[\"']\{0,1\}\([A-Za-z0-9_-]*\)[\"']\{0,1\}[[:space:]]*$/\1 \2 \3/p" \
                "$entry/source/dkms.conf" | awk '
                    $1 == "DEST" { renamed[$2] = $3 }
                    $1 == "BUILT" { built[$2] = $3 }
                    END { for (number in built) print number in renamed ? renamed[number] : built[number] }'
        }

        # Whether a build has a module, compressed or not. A power failure can leave an empty file.
        has() {
            for file in "$1.ko"*; do [ ! -s "$file" ] || return 0; done
            return 1
        }

        # Whether the source is there, and every build has all modules.
        is_whole() {
            [ -s "$entry/source/dkms.conf" ] || return 1
            for build in "$entry"/*/*/module; do
                [ -d "$build" ] || continue
                for module in $(modules); do has "$build/$module" || return 1; done
            done
        }

        dkms_runs() {
            for file in /proc/[0-9]*/comm; do
                if read -r name <"$file" && [ "$name" = dkms ]; then return 0; fi
            done 2>/dev/null
            return 1
        }

        # A build that goes on has not all modules yet.
        attempts=0
        while [ "$attempts" -lt 20 ] && dkms_runs; do
            attempts=$((attempts + 1))
            sleep 2
        done
        for tree; do
            entry=/var/lib/dkms/$tree
            if [ ! -d "$entry" ] || [ -L "$entry" ] || is_whole; then continue; fi
            if [ -s "$entry/source/dkms.conf" ] && dkms_runs; then
                echo "DKMS is busy, so $tree can still be in use. Try again when it has ended." >&2
                exit 1
            fi
            for link in "${entry%/*}"/kernel-*; do
                case $(readlink "$link") in "${tree#*/}"/* | "$entry"/*) rm -f "$link" ;; esac
            done
            find "$entry" -mindepth 1 -maxdepth 1 ! -name source -exec rm -rf {} +
            rm -rf "$entry"
            rmdir "${entry%/*}" 2>/dev/null || true
        done
        """#
}
