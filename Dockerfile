# The agent's image. `scripts/image` builds it, with buildah or docker; both arguments name base images.
ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

# What the agent needs to run: the libraries it links, the names of PCI devices, and nsenter. No compiler: drivers are
# built on the host with the host's own, and NVIDIA's libraries are the host's too.
FROM ${RUNTIME_IMAGE} AS runtime
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libnettle8 libpci3 libstdc++6 libudev1 libyaml-0-2 pci.ids util-linux \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/*
COPY catalog /usr/share/gpu-agent/catalog
ENTRYPOINT ["/usr/bin/gpu-agent"]
CMD ["run"]

# An image of a binary that was built elsewhere, the file `gpu-agent` beside `catalog`: scripts/image --binary.
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
# The simulator and the tests stay outside.
ENV GPU_AGENT_PRODUCT_ONLY=1
RUN swift build -c release --product gpu-agent --static-swift-stdlib \
    && install -D "$(swift build -c release --show-bin-path)/gpu-agent" /out/gpu-agent \
    && strip /out/gpu-agent

FROM runtime AS image
COPY --from=build /out/gpu-agent /usr/bin/gpu-agent
