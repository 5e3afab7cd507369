package import NodeModel

/// Removes trees of the driver from DKMS that have no source any more, because DKMS stops at the first of them.
///
/// Such a tree is left when the files of a driver were deleted by hand, or when an installer was killed. `dkms remove`
/// also stops at it when modules of it are built. The modules in `/lib/modules` stay.
package struct RemoveStaleDKMS: Operation {
    /// The trees, such as `nvidia/535.54.03`.
    package var trees: [String]
    /// Whether the step prepares the kernel of the next boot, while the driver works.
    package var isAhead: Bool

    package init(trees: [String], isAhead: Bool = false) {
        self.trees = trees
        self.isAhead = isAhead
    }

    /// The steps that the host needs before something on it uses DKMS; empty when it has no such tree.
    static func operations(_ facts: NodeFacts) -> [any Operation] {
        let trees = facts.staleDKMSTrees.map(\.id)
        return trees.isEmpty ? [] : [Self(trees: trees)]
    }

    private var paths: [String] { trees.map { "/var/lib/dkms/\($0)" } }

    package var id: StepID { isAhead ? .staleDKMSAhead : .staleDKMS }
    package var title: String {
        "remove \(trees.joined(separator: ", ")) from DKMS, because "
            + (trees.count == 1 ? "its source is gone" : "their sources are gone")
    }
    package var changes: String { paths.joined(separator: ", ") }
    package var deadlineSeconds: Int { 60 }
    package var effects: [Effect] { [.run([["sh", "-ec", Self.script, "remove-stale-dkms"] + trees])] }
    package var failure: StepFailure {
        StepFailure(
            isAhead ? .buildAheadFailed : .dkmsBuildFailed,
            subject: "the removal from DKMS",
            remedy: "Remove \(changes) on the node. Then run 'gpu-agent install'."
        )
    }
    package var leaves: String? { "\(trees.joined(separator: ", ")) does not come back to DKMS" }

    /// What DKMS itself does when it removes a tree.
    ///
    /// The source can be back by now. Its link goes last, because the agent and DKMS know a tree by it: a script that was
    /// cut off runs again.
    private static let script = #"""
        for tree; do
            entry=/var/lib/dkms/$tree
            if [ ! -d "$entry" ] || [ -L "$entry" ] || [ -e "$entry/source/dkms.conf" ]; then continue; fi
            for link in "${entry%/*}"/kernel-*; do
                case $(readlink "$link") in "${tree#*/}"/* | "$entry"/*) rm -f "$link" ;; esac
            done
            find "$entry" -mindepth 1 -maxdepth 1 ! -name source -exec rm -rf {} +
            rm -rf "$entry"
            rmdir "${entry%/*}" 2>/dev/null || true
        done
        """#
}
