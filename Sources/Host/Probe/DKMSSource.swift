import NodeModel

/// What the source of a tree in DKMS says about its modules, from `dkms.conf`.
///
/// The source is a symbolic link, usually to `/usr/src/NAME-VERSION`, whose target can be gone.
enum DKMSSource: Equatable {
    /// DKMS lists the tree, and it has no `dkms.conf`, or an empty one, as after a power failure.
    case gone
    /// The names of the modules that a build has.
    case modules(Set<String>)
    /// It cannot be examined, or the shell decides about the names of its modules. So it can be good.
    case unknown

    /// The size of `dkms.conf` that the agent reads, in bytes; NVIDIA's has 1 KiB.
    private static let limit = 64 << 10

    init(of tree: HostPath, _ root: HostRoot) {
        do throws(HostError) {
            // DKMS does not list a tree without this link.
            guard try root.status(tree.appending("source"), followLink: false) != nil else {
                self = .unknown
                return
            }
            guard let text = try root.text(tree.appending("source/dkms.conf"), limit: Self.limit) else {
                self = .gone
                return
            }
            self.init(configuration: text)
        } catch { self = .unknown }
    }

    /// Reads `BUILT_MODULE_NAME[0]="nvidia"`, and `DEST_MODULE_NAME[0]`, which gives a built module another name.
    init(configuration text: String) {
        guard !text.isEmpty else {
            self = .gone
            return
        }
        var built: [Int: String] = [:]
        var renamed: [Int: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            if line.contains(/^\s*(if|case|for|while|\[\[)\b/) || line.contains(/^\s*\[/) {
                self = .unknown
                return
            }
            guard let match = line.wholeMatch(of: /\s*(BUILT|DEST)_MODULE_NAME(.*)/) else { continue }
            let assignment = /\[(\d{1,3})\]=["']?([A-Za-z0-9_-]+)["']?\s*/
            guard let name = match.2.wholeMatch(of: assignment), let index = Int(name.1) else {
                self = .unknown
                return
            }
            if match.1 == "BUILT" { built[index] = String(name.2) } else { renamed[index] = String(name.2) }
        }
        self = built.isEmpty ? .unknown : .modules(Set(built.merging(renamed) { $1 }.values))
    }

    /// Whether a build lacks one of the modules; false when this cannot be told.
    func lacksModules(_ isMissing: (String) throws(HostError) -> Bool) -> Bool {
        guard case .modules(let names) = self else { return false }
        do throws(HostError) {
            for name in names where try isMissing(name) { return true }
        } catch { return false }
        return false
    }
}
