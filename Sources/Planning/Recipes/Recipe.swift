/// A way to build a plan: the operations that bring a host to a state, in order.
///
/// Recipes decide which operations a host needs. The executor only runs them.
package protocol Recipe: Sendable {
    var operations: [any Operation] { get }
}
