import Glibc

/// The limit of open files of this process.
enum OpenFiles {
    /// How many files the agent must be able to open.
    ///
    /// `gpu-agent run` has the most: the connections to the API server, the sources of events, and three pipes for each
    /// command on the host. The libraries below the agent end the process when they cannot open a file, so a small
    /// limit would be a crash and not an error: libdispatch counts its threads in `/proc/self/task` every second.
    static let needed: rlim_t = 128

    /// Raises the soft limit to what the agent needs, as far as the hard limit allows it.
    ///
    /// A larger limit is not changed. Programs on the host inherit it, and some of them close each possible descriptor.
    ///
    /// - Returns: why the agent cannot start, with a remedy; nil when the limit is large enough.
    static func problem() -> String? {
        var limit = rlimit()
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < needed else { return nil }
        let now = limit.rlim_cur
        if limit.rlim_max >= needed {
            limit.rlim_cur = needed
            if setrlimit(resource, &limit) == 0 { return nil }
        }
        return """
            this process may open only \(now) files, and the agent needs \(needed). Raise the limit: \
            'ulimit -n \(needed)' in a shell, or LimitNOFILE=\(needed) in a systemd unit.
            """
    }
}
