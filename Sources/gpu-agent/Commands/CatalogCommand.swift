import Agent
import ArgumentParser
import Catalog
import Documents
import Reporting

/// `catalog`: the commands for the catalog.
struct CatalogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog",
        abstract: "Print and check the catalog of GPUs, drivers and Xids, explain a decision, and download packages.",
        discussion: "The catalog consists of the files in the image and the files that you add; see docs/catalog.md.",
        subcommands: [
            CatalogListCommand.self, CatalogShowCommand.self, CatalogExplainCommand.self,
            CatalogValidateCommand.self, CatalogDiffCommand.self, CatalogMirrorCommand.self,
        ]
    )
}

extension CatalogList: ExpressibleByArgument {}

/// `catalog list`.
struct CatalogListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print one line for each entry in the catalog."
    )

    @Argument(help: "The list to print: gpus, vgpu-types, platforms, drivers, xids or sxids.")
    var list: CatalogList = .drivers
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let catalog = try Setup.review(choice.settings).catalog
            let rows = CatalogRow.rows(of: catalog, list)
            try Output.print(CatalogDocumentOut(kind: "CatalogList", entries: rows), as: format.output) { _ in
                CatalogRow.table(rows)
            }
        }
    }
}

/// `catalog show`.
struct CatalogShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print complete catalog entries, with their file and line.",
        discussion: """
            <name> is the identity of an entry: the PCI ID of a GPU (10de:2321), the device ID and subsystem device ID \
            of a vGPU type (2bb5:2187), the name of a platform, a driver as 'catalog list' prints it, or the number of \
            an Xid. If no identity matches, the command prints all entries whose identity or name contains <name>.
            """
    )

    @Argument(help: ArgumentHelp("The identity of an entry, or a part of a name.", valueName: "name"))
    var name: String
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let review = try Setup.review(choice.settings)
            let all = CatalogList.allCases.flatMap { CatalogRow.rows(of: review.catalog, $0, in: review.places) }
            let exact = all.filter { $0.id == name.lowercased() }
            let word = name.lowercased()
            let rows = exact.isEmpty ? all.filter { "\($0.id) \($0.name ?? "")".lowercased().contains(word) } : exact
            guard !rows.isEmpty else {
                Output.complain("gpu-agent: no entry in the catalog matches '\(name)'\n")
                throw ExitStatus.failed
            }
            try Output.print(CatalogDocumentOut(kind: "CatalogEntries", entries: rows), as: format.output) { style in
                rows.map { $0.detail(style) }.joined(separator: "\n")
            }
        }
    }
}

/// `catalog validate`.
struct CatalogValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate",
        abstract: "Check every file of the catalog, and print notes about the catalog as a whole.",
        discussion: """
            A note says, for example, that an entry replaces another entry, or that no GPU can use a driver. \
            Exit codes: 0 all files are valid; 1 there are notes and --strict is set; 2 a file is not valid.
            """
    )

    @Flag(help: "Exit with 1 when there are notes.")
    var strict = false
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let review: CatalogReview
            do throws(SetupError) { review = try Setup.review(choice.settings) } catch {
                guard case .problems(let found) = error else { throw error }
                try Output.print(CatalogReport(valid: false, problems: found.problems), as: format.output) { _ in
                    SourceExcerpt.text(found.problems)
                }
                throw ExitStatus.usage
            }
            try Output.print(CatalogReport(valid: true, problems: review.notes), as: format.output) { style in
                func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
                let catalog = review.catalog
                let counts = [
                    counted(catalog.gpus.count, "GPU"),
                    counted(catalog.vgpuTypes.count, "vGPU type"),
                    counted(catalog.platforms.count, "platform"),
                    counted(catalog.drivers.count, "driver"),
                    counted(catalog.xids.count, "Xid"), counted(catalog.sxids.count, "SXid"),
                ]
                return SourceExcerpt.text(review.notes) + "\(style.green("√")) \(counts.joined(separator: ", "))\n"
            }
            if strict, !review.notes.isEmpty { throw ExitStatus.failed }
        }
    }
}

/// `catalog diff`.
struct CatalogDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Print what the added catalog files change in the image's catalog.",
        discussion: "A line begins with '+' for an added entry, '-' for a removed entry and '~' for a changed entry."
    )

    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            var base = choice.settings
            (base.catalogs, base.configFile, base.configDirectory) = ([], nil, nil)
            let old = try Setup.review(base).catalog
            let new = try Setup.review(choice.settings).catalog
            let changes = CatalogChange.between(old, new)
            try Output.print(CatalogDocumentOut(kind: "CatalogDiff", entries: changes), as: format.output) { _ in
                changes.isEmpty ? "no difference\n" : changes.map { "\($0.text)\n" }.joined()
            }
        }
    }
}

extension ChoiceOptions {
    /// The settings of a command that reads no files of the host.
    var settings: Settings {
        var settings = Settings(hostRoot: "/", hostPID: nil)
        settings.catalogDirectory = catalogDirectory ?? Settings.foundCatalogDirectory
        settings.catalogs = catalog
        settings.configFile = configFile
        settings.configDirectory = configDirectory
        return settings
    }
}
