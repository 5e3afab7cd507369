/// What an object must be, so that a request deletes it.
struct Preconditions: Sendable {
    var uid: String?
    var version: String?

    /// Reads the member `preconditions` of the options of a deletion.
    init(_ json: JSON?) {
        uid = json?["uid"]?.string
        version = json?["resourceVersion"]?.string
    }

    /// Throws 409, with the message of the real server, when the object is another one.
    func check(_ live: JSON, _ resource: Resource) throws(APIFailure) {
        let name = live[path: ["metadata", "name"]]?.string ?? ""
        let found = live[path: ["metadata", "uid"]]?.string ?? ""
        if let uid, uid != found {
            let why =
                "the UID in the precondition (\(uid)) does not match the UID in record (\(found)). "
                + "The object might have been deleted and then recreated"
            throw .conflict(resource, name, subject: resource.kind, why: why)
        }
        let current = live[path: ["metadata", "resourceVersion"]]?.string ?? ""
        if let version, version != current {
            let why =
                "the ResourceVersion in the precondition (\(version)) does not match the ResourceVersion in record "
                + "(\(current)). The object might have been modified"
            throw .conflict(resource, name, subject: resource.kind, why: why)
        }
    }
}
