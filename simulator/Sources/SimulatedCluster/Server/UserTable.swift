import Synchronization

/// The valid tokens with their users.
public final class UserTable: Sendable {
    private let users: Mutex<[String: User]>

    public init(_ users: [String: User]) { self.users = Mutex(users) }

    public func user(of token: String) -> User? { users.withLock { $0[token] } }

    /// Sets the user of a token; nil makes the token invalid.
    public func set(_ user: User?, for token: String) { users.withLock { $0[token] = user } }
}
