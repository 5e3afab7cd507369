import Synchronization

/// Which tokens the server knows.
public final class UserTable: Sendable {
    private let users: Mutex<[String: User]>

    public init(_ users: [String: User]) { self.users = Mutex(users) }

    public func user(of token: String) -> User? { users.withLock { $0[token] } }

    /// Makes a token known, changes what it may do, or, with nil, lets it expire.
    public func set(_ user: User?, for token: String) { users.withLock { $0[token] = user } }
}
