import Agent
import ArgumentParser
import Catalog
import Documents
import Reporting

/// `catalog`: what choices are made from.
struct CatalogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "catalog",
        abstract: "Look into the catalog of GPUs and drivers, check it, and ask what it would choose.",
        discussion: "It works on the image's catalog and on what is laid over it; see docs/catalog.md.",
        subcommands: [
            CatalogListCommand.self, CatalogShowCommand.self, CatalogExplainCommand.self,
            CatalogValidateCommand.self, CatalogDiffCommand.self,
        ]
    )
}

extension CatalogList: ExpressibleByArgument {}

/// `catalog list`.
struct CatalogListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Print what the catalog has, a line for each entry."
    )

    @Argument(help: "gpus, vgpu-types, platforms or drivers; drivers when left out.")
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
        abstract: "Print entries in full, with the file and the line they stand in.",
        discussion: """
            An entry is named by its identity: a GPU's id (10de:2321), a vGPU type's pair (2bb5:2187), a platform's \
            name, or a driver as 'catalog list' prints it. Any part of a name finds it too.
            """
    )

    @Argument(help: ArgumentHelp("What to look for.", valueName: "name"))
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
                Output.complain("gpu-agent: nothing in the catalog is called '\(name)'\n")
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
        abstract: "Check every file of the catalog, and say what is odd about them together.",
        discussion: """
            Exits 0 when the files can be used, 2 when one is wrong. Notes (an entry that replaces another, a driver \
            that nothing leads to) fail only with --strict, with 1.
            """
    )

    @Flag(help: "Fail on notes too.")
    var strict = false
    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            let review: CatalogReview
            do throws(SetupError) { review = try Setup.review(choice.settings) } catch {
                guard case .problems(let found) = error else { throw error }
                try Output.print(CatalogReport(valid: false, problems: found.problems), as: format.output) { _ in
                    Excerpt.text(found.problems)
                }
                throw ExitStatus.usage
            }
            try Output.print(CatalogReport(valid: true, problems: review.notes), as: format.output) { style in
                let catalog = review.catalog
                return Excerpt.text(review.notes)
                    + "\(style.green("✓")) \(catalog.gpus.count) GPUs, \(catalog.vgpuTypes.count) vGPU types, "
                    + "\(catalog.platforms.count) platforms, \(catalog.drivers.count) drivers\n"
            }
            if strict, !review.notes.isEmpty { throw ExitStatus.failed }
        }
    }
}

/// `catalog diff`.
struct CatalogDiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what the catalogs laid over the image's add and change.",
        discussion: "Lines begin with '+' for what is added, '-' for what is dropped and '~' for what is changed."
    )

    @OptionGroup var choice: ChoiceOptions
    @OptionGroup var format: OutputOption

    func run() async throws {
        try await reporting {
            var base = choice.settings
            (base.catalogs, base.configFile) = ([], nil)
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
    /// Settings that only read files of our side.
    var settings: Settings {
        var settings = Settings(hostRoot: "/", hostPID: nil)
        settings.catalogDirectory = catalogDirectory
        settings.catalogs = catalog
        settings.configFile = configFile
        return settings
    }
}
