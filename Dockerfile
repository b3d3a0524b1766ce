# syntax=docker/dockerfile:1.7
# The product as an image: components and host are built in it, so that a server needs
# Docker alone. Tags are versions; docs/deployment.md says how digests are pinned.

ARG RUST_IMAGE=rust:1.95.0-slim-bookworm
# C library, certificates and time zones; no shell and no package manager.
ARG RUNTIME_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${RUST_IMAGE} AS toolchain
# The image's own toolchain: rust-toolchain.toml would fetch lints as well.
ENV RUSTUP_TOOLCHAIN=1.95.0 \
    CARGO_INCREMENTAL=0 \
    CARGO_TERM_COLOR=never \
    RUSTFLAGS="--remap-path-prefix=/src=/mssql-mcp --remap-path-prefix=/usr/local/cargo=/cargo"
RUN rustup target add wasm32-wasip2
WORKDIR /src
COPY . .

FROM toolchain AS components
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,id=components,sharing=locked \
    ./plugins/build

FROM toolchain AS host
COPY --from=components /src/plugins/dist plugins/dist
# The program comes with the same components, for `demo` and `attack`.
ENV MSSQL_MCP_BUNDLE=/src/plugins/dist
ARG SOURCE_DATE_EPOCH
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,id=host,sharing=locked \
    cargo build --locked --profile dist --package mssql-mcp --bin mssql-mcp && \
    install -D target/dist/mssql-mcp /image/usr/local/bin/mssql-mcp
# What is served; those for `attack` are in the program alone. The folders are made
# here, since a volume takes its owner from what it is mounted over.
RUN mkdir -p /image/plugins /image/etc/mssql-mcp /image/var/lib/mssql-mcp \
        /image/var/cache/mssql-mcp /image/var/log/mssql-mcp && \
    cp plugins/dist/claude-tools.wasm plugins/dist/claude-tools-write.wasm \
        plugins/dist/chatgpt-search-fetch.wasm plugins/dist/query-templates.wasm \
        plugins/dist/query-templates-write.wasm /image/plugins/ && \
    install -D LICENSE /image/usr/share/doc/mssql-mcp/LICENSE && \
    chown -R 65532:65532 /image/var/lib/mssql-mcp /image/var/cache/mssql-mcp /image/var/log/mssql-mcp

FROM ${RUNTIME_IMAGE}
ARG REVISION=unknown
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="mssql-mcp" \
      org.opencontainers.image.description="Serves SQL Server to MCP clients through sandboxed WebAssembly tool sets" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=host /image /
# Of distroless: nobody's user, without a home that can be written.
USER 65532:65532
ENV MSSQL_MCP__TOOL_SETS__DIR=/plugins \
    MSSQL_MCP__TOOL_SETS__CACHE=/var/cache/mssql-mcp
VOLUME ["/var/lib/mssql-mcp", "/var/cache/mssql-mcp", "/var/log/mssql-mcp"]
EXPOSE 8008 9464
STOPSIGNAL SIGTERM
# The program asks itself: there is no curl here.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["/usr/local/bin/mssql-mcp", "health"]
ENTRYPOINT ["/usr/local/bin/mssql-mcp"]
CMD ["serve"]
