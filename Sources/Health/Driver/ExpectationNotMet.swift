package import NodeModel

extension ReasonCode {
    package static let expectationNotMet = ReasonCode("expectation-not-met")
}

extension Check {
    static let expectationNotMet = Check(
        .expectationNotMet,
        title: "the node is as the command line says",
        group: .driver,
        phase: .use,
        meaning:
            "`gpu-agent validate --expect` names a driver, a MIG strategy or a number of GPUs that the node does not "
            + "have. The agent itself raises this code for no node: only somebody who asks gets it.",
        advice:
            "Compare what the finding observed with the option `--expect`. Correct the option, or set the driver in the "
            + "configuration of the agent ([validate.md](validate.md#expectations))."
    )
}
