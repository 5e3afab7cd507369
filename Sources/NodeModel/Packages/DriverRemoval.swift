/// How a driver that another owner installed is removed from a host.
package struct DriverRemoval: Sendable, Equatable {
    /// What removes it, as the subject of a sentence: `apt-get purge`.
    package var subject: String
    /// The commands, in order; each must succeed.
    package var commands: [[String]]

    package init(subject: String, commands: [[String]]) {
        self.subject = subject
        self.commands = commands
    }
}
