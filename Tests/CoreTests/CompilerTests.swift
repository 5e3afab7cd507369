import NodeModel
import Testing

/// The version of a compiler, in the ways in which distributions write it.
@Suite struct CompilerTests {
    static let kernels: [(text: String, compiler: String?)] = [
        (
            "Linux version 6.8.0-1015-azure (buildd@lcy02-amd64-010) (x86_64-linux-gnu-gcc-12 (Ubuntu "
                + "12.3.0-1ubuntu1~22.04) 12.3.0, GNU ld (GNU Binutils for Ubuntu) 2.38) #17~22.04.2-Ubuntu SMP",
            "gcc 12.3.0"
        ),
        (
            "Linux version 6.1.0-30-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU "
                + "ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.124-1",
            "gcc 12.2.0"
        ),
        (
            "Linux version 4.18.0-553.el8_10.x86_64 (mockbuild@x86-64-01.build.eng.rdu2.redhat.com) (gcc version 8.5.0 "
                + "20210514 (Red Hat 8.5.0-22) (GCC)) #1 SMP",
            "gcc 8.5.0"
        ),
        (
            "Linux version 5.10.230-223.885.amzn2.x86_64 (mockbuild@ip-10-0-33-12) (gcc10-gcc (GCC) 10.5.0 20230707 (Red "
                + "Hat 10.5.0-1), GNU ld version 2.35.2-9.amzn2.0.1) #1 SMP",
            "gcc 10.5.0"
        ),
        (
            "Linux version 6.6.87+ (builder@gcc-host) (Chromium OS 17.0_pre498229-r33 clang version 17.0.0 "
                + "(/mnt/host/source/src), LLD 17.0.0) #1 SMP",
            "clang 17.0.0"
        ),
        ("Linux version 6.18.44 (builder@sandbox) (gcc (GCC) 15.3.0, GNU ld (GNU Binutils) 2.46) #1 SMP", "gcc 15.3.0"),
        ("Linux version 6.1.0", nil), ("", nil), ("gcc", nil), ("Linux version 1.2.3 (a@b) (gcc x.y)", nil),
    ]

    @Test(arguments: kernels)
    func builtTheKernel(_ text: String, _ compiler: String?) {
        #expect(Compiler(text, isKernel: true)?.description == compiler)
    }

    @Test(arguments: [
        ("CONFIG_CC_IS_GCC=y\nCONFIG_GCC_VERSION=120200\nCONFIG_CLANG_VERSION=0\n", "gcc 12.2.0"),
        ("CONFIG_GCC_VERSION=140301", "gcc 14.3.1"),
        ("CONFIG_GCC_VERSION=0\nCONFIG_CLANG_VERSION=180103\n", "clang 18.1.3"),
        ("# CONFIG_GCC_VERSION=120200\nCONFIG_GCC_VERSION_TEXT=120200\n", nil),
        ("CONFIG_GCC_VERSION=\nCONFIG_CLANG_VERSION=99999999999999999999\n", nil), ("", nil),
    ])
    func isInTheConfigurationOfAKernel(_ text: String, _ compiler: String?) {
        #expect(Compiler(kernelConfiguration: text)?.description == compiler)
    }

    @Test(arguments: [
        ("cc (Ubuntu 11.4.0-1ubuntu1~22.04) 11.4.0\nCopyright (C) 2021 Free Software Foundation", "gcc 11.4.0"),
        ("gcc (GCC) 8.5.0 20210514 (Red Hat 8.5.0-28)", "gcc 8.5.0"),
        ("gcc (Debian 12.2.0-14+deb12u1) 12.2.0", "gcc 12.2.0"),
        ("Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu", "clang 14.0.6"),
        ("cc: error: no input files", nil), ("", nil),
    ])
    func isOnTheHost(_ text: String, _ compiler: String?) {
        #expect(Compiler(text)?.description == compiler)
    }
}
