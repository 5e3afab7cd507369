/// How to remove a driver that another owner installed.
package struct DriverRemoval: Sendable, Equatable {
    /// The command that removes the driver, as the subject of a sentence: `apt-get purge`.
    package var subject: String
    /// The commands to run in this order; each of them must succeed.
    package var commands: [[String]]

    package init(subject: String, commands: [[String]]) {
        self.subject = subject
        self.commands = commands
    }
}
