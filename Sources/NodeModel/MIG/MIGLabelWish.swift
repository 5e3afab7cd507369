/// A MIG layout that a label of the Node names and that is not there yet, as the daemon knows it.
package struct MIGLabelWish: Codable, Sendable, Equatable {
    /// How far the daemon is.
    package enum State: String, Codable, Sendable, CaseIterable {
        /// The first attempt is due or runs, and the GPUs have not worked since the boot.
        ///
        /// A pod that used a GPU now would prevent the layout, so no pod may start.
        case first
        /// The first attempt is due or runs, on a node that worked before.
        case making
        /// Something else comes before the next attempt, such as a reset of the GPU.
        case waiting
        /// The last attempt failed.
        case failed
    }

    /// The name of the layout, which the value of the label is.
    package var layout: String
    package var state: State
    /// Why the layout is not there, as a clause; nil before the end of the first attempt.
    package var why: String?

    package init(layout: String, state: State, why: String? = nil) {
        (self.layout, self.state, self.why) = (layout, state, why)
    }
}
