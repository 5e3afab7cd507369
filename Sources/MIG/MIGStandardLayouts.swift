import Documents
package import NodeModel
import Support

extension MIGConfigFile {
    /// The layouts that NVIDIA's MIG manager has for the GPUs of a node when it gets no file.
    ///
    /// They have the names of NVIDIA's: `all-disabled`, `all-enabled`, `all-balanced` with devices of several sizes, and
    /// one for each profile with as many of its devices as a GPU has room for, such as `all-1g.10gb`. A `+` in a profile
    /// is a dot, because a label cannot have it: `all-1g.10gb.me`. Source: `nvidia-mig-parted` 0.14 (`pkg/mig/builder`).
    ///
    /// - Parameter inventory: The GPUs. Those without MIG, and those that do not tell their profiles, add no layout.
    /// - Returns: The layouts. Each entry is for one kind of GPU when the node has several.
    package static func standard(_ inventory: MIGInventory) -> MIGConfigFile {
        let entry = { (isEnabled: Bool) in
            Entry(place: standardPlace, filters: [], devices: .all, isEnabled: isEnabled, migDevices: [])
        }
        var file = MIGConfigFile(layouts: [("all-disabled", [entry(false)]), ("all-enabled", [entry(true)])])
        let kinds = kinds(inventory)
        for (pciID, offers) in kinds {
            for (name, devices) in layouts(offers) {
                var own = entry(true)
                own.migDevices = devices
                own.filters = kinds.count > 1 ? [DeviceFilter(pciID: pciID)] : []
                if let at = file.layouts.firstIndex(where: { $0.name == name }) {
                    file.layouts[at].entries.append(own)
                } else if file.layouts.count < limit {
                    file.layouts.append((name, [own]))
                }
            }
        }
        return file
    }

    /// The place of every entry, which no message shows.
    private static let standardPlace = DocumentPlace(file: "standard", line: 1, column: 1)

    /// The profiles of each kind of GPU, in the order of the GPUs.
    private static func kinds(_ inventory: MIGInventory) -> [(pciID: UInt32, offers: [MIGOffer])] {
        var kinds: [(pciID: UInt32, offers: [MIGOffer])] = []
        for gpu in inventory.gpus where !kinds.contains(where: { $0.pciID == gpu.pciID }) {
            guard let offers = gpu.offers.value, !offers.isEmpty else { continue }
            kinds.append((gpu.pciID, offers))
        }
        return kinds
    }

    /// The layouts with MIG devices for one kind of GPU.
    private static func layouts(_ offers: [MIGOffer]) -> [(name: String, devices: [MIGDeviceCount])] {
        let uniform = offers.compactMap { offer -> (name: String, devices: [MIGDeviceCount])? in
            guard let profile = MIGProfileName(offer.name), offer.instances > 0 else { return nil }
            let name = "all-\(offer.name.replacing("+", with: "."))"
            return (name, [MIGDeviceCount(profile, offer.instances)])
        }
        return (balanced(offers).map { [("all-balanced", $0)] } ?? []) + uniform
    }

    /// Devices of several sizes; nil for a GPU with another number of slices than NVIDIA's MIG manager knows.
    private static func balanced(_ offers: [MIGOffer]) -> [MIGDeviceCount]? {
        let sizes: [(slices: Int, count: Int)]
        switch offers.map(\.slices).max() {
        case 7: sizes = [(1, 2), (2, 1), (3, 1)]
        case 4: sizes = [(1, 2), (2, 1)]
        default: return nil
        }
        let devices = sizes.compactMap { size -> MIGDeviceCount? in
            let plain = offers.filter { $0.slices == size.slices }.compactMap { MIGProfileName($0.name) }
                .filter { $0.attribute.isEmpty }
            // Of two profiles with the same slices, one has more memory.
            return plain.min { $0.memoryGB < $1.memoryGB }.map { MIGDeviceCount($0, size.count) }
        }
        return devices.count == sizes.count ? devices : nil
    }
}

extension MIGNodePlan {
    /// Plans a standard layout of the GPUs; an unknown name is a problem of the plan.
    package init(standard layout: String, _ inventory: MIGInventory) {
        let layouts = MIGConfigFile.standard(inventory).layouts
        if let found = layouts.first(where: { $0.name == layout }) {
            self.init(layout, found.entries, inventory)
        } else {
            let names = layouts.map(\.name)
            let near = nearest(to: layout, in: names).map { "; did you mean '\($0)'?" } ?? "."
            let problem = "there is no standard layout '\(layout)' for these GPUs\(near) There are: \(shortList(names))"
            self.init(layout, [:], [problem], inventory)
        }
    }
}
