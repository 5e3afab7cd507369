/// Those labels of the Node that say who owns its driver.
package struct OwnerLabels: Sendable, Equatable {
    /// As they are now.
    package var current: Reading<[String: String]>
    /// As they were last seen; nil when they never were.
    package var last: [String: String]?

    package init(_ current: Reading<[String: String]>, last: [String: String]? = nil) {
        self.current = current
        self.last = last
    }
}
