import Support

extension [DriverSource] {
    /// The sources of each version: `595.71.05 (loaded module, module file), 570.211.01 (libcuda)`.
    ///
    /// It names fewer sources and versions when the text would be longer than `limit` characters.
    package func summary(within limit: Int) -> String {
        let groups = grouped(map { (subject: $0.name, text: $0.version) })
        let texts = [(4, 4), (2, 3), (1, 2), (1, 1)].map { names, versions in
            shortList(groups.map { "\($0.text) (\(shortList($0.subjects, limit: names)))" }, limit: versions)
        }
        return texts.first { $0.count <= limit } ?? texts[texts.count - 1]
    }
}
