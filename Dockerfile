# The image of the agent. `scripts/image` builds it with buildah or docker. Both arguments are base images.
ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# The agent needs the libraries that it links, the names of PCI devices (pci.ids), and nsenter (util-linux). It needs no
# compiler and no NVIDIA libraries, because it uses those of the host.
FROM ${RUNTIME_IMAGE} AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libnettle8 libpci3 libstdc++6 libudev1 libyaml-0-2 pci.ids util-linux \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY catalog /usr/share/gpu-agent/catalog
ENTRYPOINT ["/usr/bin/gpu-agent"]
CMD ["run"]

# For scripts/image --binary: the build context contains a built binary `gpu-agent` next to `catalog`.
FROM runtime AS prebuilt
COPY gpu-agent /usr/bin/gpu-agent

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libpci-dev libudev-dev libyaml-dev nettle-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Sources Sources
# Build without the simulator and the tests, which are not copied.
ENV GPU_AGENT_PRODUCT_ONLY=1
RUN swift build -c release --product gpu-agent --static-swift-stdlib \
    && install -D "$(swift build -c release --show-bin-path)/gpu-agent" /out/gpu-agent \
    && strip /out/gpu-agent

FROM runtime AS image
COPY --from=build /out/gpu-agent /usr/bin/gpu-agent
