/// One page of a list of objects.
struct ObjectPage<Item: Decodable & Sendable>: Decodable, Sendable {
    var items: [Item]
    /// The token of the next page; nil on the last one.
    var next: String?

    private enum Key: String, CodingKey { case metadata, items }
    private struct Metadata: Decodable {
        var token: String?

        private enum CodingKeys: String, CodingKey { case token = "continue" }
    }

    /// Reads a page; an answer without the member `items` is no list and not an empty one.
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        // Go writes a list without objects as null.
        items = try container.decode([Item]?.self, forKey: .items) ?? []
        let token = try container.decodeIfPresent(Metadata.self, forKey: .metadata)?.token
        next = token.flatMap { $0.isEmpty ? nil : $0 }
    }
}

extension KubernetesClient {
    /// The most pages of a list.
    static let listPages = 20

    /// Lists objects, in one page or in as many as the server makes of the request's limit.
    ///
    /// When the server no longer knows the first page, the list is read once more.
    ///
    /// - Parameters:
    ///   - request: The request for the first page.
    ///   - type: The type of the objects.
    /// - Returns: The objects of all pages.
    /// - Throws: `timedOut` when all pages together take longer than two requests may; `malformed` when there are too
    ///   many pages; or any other error of a request.
    func list<Item: Decodable & Sendable>(
        _ request: KubernetesRequest,
        of type: Item.Type
    ) async throws(KubernetesError) -> [Item] {
        let subject = subject(of: request)
        return try await withDeadline(limits.request * 2, subject: subject) { () throws(KubernetesError) in
            do throws(KubernetesError) {
                return try await self.allPages(request, of: type, subject)
            } catch {
                guard case .gone = error else { throw error }
                return try await self.allPages(request, of: type, subject)
            }
        }
    }

    private func allPages<Item: Decodable & Sendable>(
        _ request: KubernetesRequest,
        of type: Item.Type,
        _ subject: String
    ) async throws(KubernetesError) -> [Item] {
        var items: [Item] = []
        var token: String?
        for _ in 0..<Self.listPages {
            let page = try await send(request.page(after: token), as: ObjectPage<Item>.self)
            items += page.items
            guard let next = page.next else { return items }
            token = next
        }
        throw .malformed(subject: subject, detail: "more than \(Self.listPages) pages")
    }
}

extension KubernetesRequest {
    /// The request for a page of the same list; the first one without a token.
    package func page(after token: String?) -> Self {
        var page = self
        if let token { page.query.append(QueryItem("continue", token)) }
        return page
    }
}
