# The service alone: its databases, keys and certificates come from its configuration (see `passplus serve --help`).

# The slim image carries gcc and libc6-dev, all that the C parts of the dependencies ask for.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /build
COPY . .
# Caches do not outlive their step in the image, so the program is copied out within it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin passplus \
    && cp target/release/passplus /usr/local/bin/passplus

FROM debian:bookworm-slim
# TLS to mail servers and administrations is verified against the system's certificates.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 passplus \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin passplus
COPY --from=build /usr/local/bin/passplus /usr/local/bin/passplus
# By number, so that an orchestrator can see that it is not root.
USER 10001:10001
# Within a container loopback would reach nobody.
ENV PASSPLUS_LISTEN=0.0.0.0:8080 PASSPLUS_METRICS_LISTEN=0.0.0.0:9090
# 8080: the API. 9090: metrics, not for the public.
EXPOSE 8080 9090
# Asks the running service whether it is ready.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["passplus", "health"]
ENTRYPOINT ["passplus"]
CMD ["serve"]
