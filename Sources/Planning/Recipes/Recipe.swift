/// A way to bring a host to a state: the operations for it, in order.
///
/// Recipes decide which operations a host needs. The executor only carries them out.
package protocol Recipe: Sendable {
    var operations: [any Operation] { get }
}
