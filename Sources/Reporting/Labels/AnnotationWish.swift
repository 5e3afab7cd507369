import FoundationEssentials
package import Support

/// What the agent wants for one annotation of its Node.
package enum AnnotationWish: Codable, Sendable, Equatable {
    case value(String)
    /// The annotation stays as it is, because what it should say is not known.
    case keep
    /// The annotation names the first proof of this boot; nil when the GPUs have not been proven in it.
    case firstProof(ofBoot: String, Timestamp?)

    /// The value that the Node should show; nil for none.
    ///
    /// `owned` is the value that the agent wrote before; nil when there is none.
    package func value(owned: String?) -> String? {
        switch self {
        case .value(let value): value
        case .keep: owned
        case .firstProof(let boot, let time):
            if let owned, Validation(owned)?.bootID == boot {
                owned
            } else {
                time.flatMap { Validation(bootID: boot, at: $0).text }
            }
        }
    }

    /// What the agent wants, as text that is the same as long as the wish is; nil when the wish does not say it.
    package var text: String? {
        switch self {
        case .value(let value): value
        case .keep: nil
        case .firstProof(let boot, let time): time.map { _ in boot }
        }
    }
}

/// An annotation that the agent writes.
package enum OwnAnnotation: String, Sendable, CaseIterable {
    /// The MIG devices of each GPU, with their UUIDs.
    case migDevices = "mig-uuids"
    /// When the GPUs were first proven to work after the last boot.
    case validation = "validated-at"

    /// The key of the annotation, below the prefix of the agent's own labels, which has no slash.
    package func key(prefix: String) -> String { "\(prefix)/\(rawValue)" }
}

/// When the GPUs were first proven to work after a boot, as the annotation says it.
struct Validation: Equatable {
    /// The version of the form, which changes when a reader of the earlier one could misunderstand it.
    private static let version = 1
    var bootID: String
    var at: Timestamp

    init(bootID: String, at: Timestamp) {
        self.bootID = bootID
        self.at = at
    }

    /// Reads an annotation; nil when it has another form.
    init?(_ text: String) {
        guard let json = try? JSONValue(parsing: Data(text.utf8)), json["version"]?.int == Self.version,
            let bootID = json["bootID"]?.string, let at = json["time"]?.string.flatMap(Timestamp.init)
        else { return nil }
        self.init(bootID: bootID, at: at)
    }

    var text: String? {
        let json: JSONValue = [
            "version": .int(Self.version), "bootID": .string(bootID), "time": .string(at.wholeSeconds),
        ]
        return json.line
    }
}

extension JSONValue {
    /// The JSON text in one line, with sorted keys; nil for a number that JSON cannot express.
    var line: String? { (try? data()).map { String(decoding: $0, as: UTF8.self) } }
}
