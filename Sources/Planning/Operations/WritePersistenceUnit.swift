package import NodeModel

/// Writes a unit for `nvidia-persistenced`, and starts it now and at boot.
///
/// NVIDIA's installer brings the program and no unit. Without the program, the driver initializes each GPU again for the
/// first program that uses it.
package struct WritePersistenceUnit: Operation {
    /// Whether the host has the user `nvidia-persistenced`.
    ///
    /// Otherwise, the program runs as root.
    package var hasUser: Bool

    package init(hasUser: Bool) {
        self.hasUser = hasUser
    }

    package var id: StepID { .persistenced }
    package var title: String { "start nvidia-persistenced now and at boot" }
    package var changes: String { "\(OwnFile.persistenceUnit) and nvidia-persistenced" }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        [
            .writeFile(path: OwnFile.persistenceUnit, text: text),
            .run([["sh", "-ec", Self.start, "start-persistenced"]]),
        ]
    }
    package var failure: StepFailure {
        StepFailure(
            .driverServiceFailed,
            subject: "starting nvidia-persistenced",
            remedy: "Read 'journalctl -u nvidia-persistenced' on the node, and correct what it reports. Then run "
                + "'gpu-agent install'. Or set 'driver.persistenced: false' in the configuration."
        )
    }
    package var inverse: (any Operation)? { RemovePersistenceUnit(isDriverThere: false) }

    /// The unit, as NVIDIA's sample has it.
    ///
    /// The condition makes a unit harmless whose driver is gone. Source: the systemd sample of nvidia-persistenced.
    package var text: String {
        """
        \(OwnFile.mark) keeps the GPUs initialized while no program uses them (driver.persistenced).
        [Unit]
        Description=NVIDIA Persistence Daemon
        ConditionPathExists=/usr/bin/nvidia-persistenced

        [Service]
        Type=forking
        PIDFile=/run/nvidia-persistenced/nvidia-persistenced.pid
        ExecStart=/usr/bin/nvidia-persistenced --persistence-mode\(hasUser ? " --user nvidia-persistenced" : "")
        ExecStopPost=/bin/rm -rf /run/nvidia-persistenced

        [Install]
        WantedBy=multi-user.target

        """
    }

    /// Enables and starts the unit, and fails when it is not active then.
    private static let start = """
        unit=nvidia-persistenced.service
        systemctl daemon-reload
        systemctl --quiet enable "$unit"
        systemctl restart "$unit"
        systemctl is-active --quiet "$unit" || { echo "$unit is not active" >&2; exit 1; }
        """
}

/// Stops `nvidia-persistenced` and removes the agent's unit.
package struct RemovePersistenceUnit: Operation {
    /// Whether the driver stays, because only the configuration has changed.
    package var isDriverThere: Bool

    package init(isDriverThere: Bool) {
        self.isDriverThere = isDriverThere
    }

    package var id: StepID { isDriverThere ? .persistenced : .removePersistenced }
    package var title: String { "stop nvidia-persistenced and remove its unit" }
    package var changes: String { "\(OwnFile.persistenceUnit) and nvidia-persistenced" }
    package var deadlineSeconds: Int { 120 }
    package var effects: [Effect] {
        [.run([["sh", "-ec", Self.script, "remove-persistenced", OwnFile.persistenceUnit, OwnFile.mark]])]
    }
    package var failure: StepFailure { .uninstall }
    package var inverse: (any Operation)? { isDriverThere ? RemovePersistenceUnit(isDriverThere: false) : nil }

    /// Does nothing when the unit is not the agent's any more.
    private static let script = """
        unit=$1 mark=$2 first=
        [ ! -f "$unit" ] || IFS= read -r first <"$unit" || :
        case $first in "$mark"*) ;; *) exit 0 ;; esac
        systemctl --quiet disable --now "${unit##*/}"
        rm -f "$unit"
        systemctl daemon-reload
        """
}
