import FoundationEssentials

/// One page of a list, with the place where the next one begins.
struct ListPage: Sendable {
    var objects: [JSON] = []
    /// The place of the last object that the page has passed; nil on the last page.
    var last: String?
    /// The number of objects after the page; nil where the server does not count them.
    var remaining: Int?

    /// Makes a page.
    ///
    /// As in the real server, a page that is full is not the last one while there are further objects, even when the
    /// request selects none of them. Such objects are not counted.
    ///
    /// - Parameters:
    ///   - all: The objects in their order.
    ///   - start: The place after which the page begins; nil for the beginning.
    ///   - limit: The most objects of the page; nil or 0 for all.
    ///   - selection: The objects that the request selects.
    init(_ all: [JSON], after start: String?, limit: Int?, _ selection: Selection) {
        var rest = all.drop { object in start.map { Self.place(of: object) <= $0 } ?? false }
        while let object = rest.popFirst() {
            guard selection.matches(object) else { continue }
            objects.append(object)
            if let limit, limit > 0, objects.count == limit, !rest.isEmpty {
                last = Self.place(of: object)
                remaining = selection.isEverything ? rest.count : nil
                return
            }
        }
    }

    private static func place(of object: JSON) -> String {
        let metadata = object["metadata"]
        let name = metadata?["name"]?.string ?? ""
        return ObjectKey(resource: "", namespace: metadata?["namespace"]?.string, name: name).place
    }
}

/// The place where a list goes on, and the resource version of its first page.
struct ContinueToken: Sendable, Equatable {
    var version: Int
    /// The key of the last object of the page before.
    var start: String

    init(version: Int, start: String) {
        self.version = version
        self.start = start
    }

    /// Reads a token: JSON in the alphabet of URLs, without padding.
    ///
    /// - Throws: 400 with the message of the real server.
    init(_ text: String) throws(APIFailure) {
        let plain = text.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - plain.count % 4) % 4)
        guard let bytes = Data(base64Encoded: plain + padding) else {
            throw Self.invalid("illegal base64 data at input byte 0")
        }
        guard let json = try? JSON(parsing: bytes), json["v"] == "meta.k8s.io/v1", let version = json["rv"]?.int,
            let start = json["start"]?.string
        else {
            let first = bytes.first.map { Unicode.Scalar($0).description } ?? ""
            throw Self.invalid("invalid character '\(first)' looking for beginning of value")
        }
        self.init(version: version, start: String(start.prefix { $0 != "\0" }))
    }

    /// The token as text; the zero byte makes the next page begin after the object.
    var text: String {
        let json: JSON = ["v": "meta.k8s.io/v1", "rv": .int(version), "start": .string(start + "\0")]
        let encoded = ((try? json.data()) ?? Data()).base64EncodedString()
        return encoded.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func invalid(_ why: String) -> APIFailure {
        .badRequest("invalid continue token: continue key is not valid: \(why)")
    }
}
