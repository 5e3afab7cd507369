package import NodeModel

/// Returns the model with an addition; when both are too long for a label, the end of the model is cut.
func product(_ model: String, _ addition: String) -> String {
    "\(model.prefix(max(0, 63 - addition.count)))\(addition)"
}

/// Returns the product name of NVML in the form that feature discovery uses.
///
/// Only letters, digits, `-`, `_`, `.` and spaces remain, and each run of spaces becomes one `-`.
package func productName(_ name: String) -> String {
    let kept = name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "-_. ".contains($0)) }
    return kept.split(separator: " ").joined(separator: "-")
}

/// Returns the name of a MIG profile as a part of keys and values: `1g.10gb.me` for `1g.10gb+me`.
///
/// It is short enough for every key, and empty when nothing of the name is allowed there.
func profileName(_ profile: String) -> String {
    labelValue(String(productName(profile.split(separator: "+").joined(separator: ".")).prefix(40)))
}

/// Returns the name that feature discovery gives to the architecture with this compute capability.
package func familyName(_ compute: ComputeCapability) -> String {
    switch (compute.major, compute.minor) {
    case (1, _): "tesla"
    case (2, _): "fermi"
    case (3, _): "kepler"
    case (5, _): "maxwell"
    case (6, _): "pascal"
    case (7, ..<5): "volta"
    case (7, _): "turing"
    case (8, ..<9): "ampere"
    case (8, _): "ada-lovelace"
    case (9, _): "hopper"
    case (10, _), (12, _): "blackwell"
    case (13, _): "rubin"
    default: "undefined"
    }
}
