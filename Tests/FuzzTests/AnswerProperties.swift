import FoundationEssentials
import Host
import NodeModel
import Support
import TestSupport

@testable import Kubernetes
@testable import VendorProbe

/// The answers of servers and of NVIDIA's libraries.
extension Properties {
    /// The text is the head of a response: the status in the first line, then a header in each line.
    mutating func checkDownloadAnswer(_ text: String) {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let status = wholeNumber(lines.first ?? "", in: 0...999) ?? 200
        let headers = lines.dropFirst().compactMap { line -> (String, String)? in
            line.firstIndex(of: ":").map {
                (line[..<$0].lowercased(), String(line[line.index(after: $0)...].drop { $0 == " " }))
            }
        }
        let sizes = 0...DownloadAnswer.sizeLimit
        let answer = DownloadAnswer(status: status) { name in headers.first { $0.0 == name }?.1 }
        switch answer {
        case .whole(let size, let tag):
            expect(size.map(sizes.contains) ?? true, "a size has bounds")
            if let tag { expect(tag.text.visible == tag.text && tag.text.utf8.count <= 1024, "a tag fits a header") }
        case .part(let first, let size):
            expect(first.map(sizes.contains) ?? true, "a place has bounds")
            if let first, let size { expect(first < size, "a part begins inside the file") }
        case .later(let delay):
            expect(delay.map { (.zero...Duration.longestAsked).contains($0) } ?? true, "a delay has bounds")
        case .redirect(let location): checkRedirects(location)
        case .webPage, .refused: break
        }
    }

    private mutating func checkRedirects(_ location: String?) {
        var path = RedirectPath("https://example.com/a/b")
        for count in 0... {
            expect(count <= RedirectPath.limit, "redirects come to an end")
            do throws(MessageError) { try path.follow(location) } catch {
                expect(error.description.visible == error.description, "what is wrong is a line")
                return
            }
            let url = URL(string: path.url)
            expect(["http", "https"].contains(url?.scheme?.lowercased()), "a redirect leads to HTTP: \(path.url)")
            expect(url?.host(percentEncoded: false)?.isEmpty == false, "a redirect leads to a host: \(path.url)")
        }
    }

    mutating func checkWatchEvent(_ bytes: [UInt8]) {
        let error: KubernetesError
        do throws(KubernetesError) {
            _ = try NodeWatchEvent(line: Data(bytes), subject: "the watch").resourceVersion
            return
        } catch let failure { error = failure }
        if let delay = error.retryAfter {
            expect((.zero...Duration.longestAsked).contains(delay), "a delay has bounds")
        }
        expect(errorChain(error).utf8.count < bytes.count + 2048, "an error is short")
        for status in [403, 422, 429, 500] {
            let answer = KubernetesError(status: status, retryAfter: nil, body: Data(bytes), subject: "the request")
            expect("\(answer)".visible == "\(answer)", "the message of a server is a line")
            expect("\(answer)".utf8.count <= 1200, "the message of a server is short")
        }
    }

    mutating func checkVendorAnswer(_ bytes: [UInt8]) {
        let nvml = try? JSONDecoder().decode(VendorAnswer<NVMLFacts>.self, from: Data(bytes)).reading
        let cuda = try? JSONDecoder().decode(VendorAnswer<CUDAFacts>.self, from: Data(bytes)).reading
        guard nvml != nil || cuda != nil else { return }
        let answers = VendorFacts(nvml: nvml ?? .absent, cuda: cuda?.value.map { .present([$0]) } ?? .absent)
        checkNode(NodeFacts.h100Ready.with { $0.vendor = .present(answers) }, nil, nil)
    }
}
