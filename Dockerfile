# syntax=docker/dockerfile:1
# A static hookgate on an image that has nothing else but certificates, time zones, a user and /tmp.
#
#   docker build --build-arg HOOKGATE_COMMIT="$(git rev-parse HEAD)" -t hookgate .
#   docker run --rm --network host --user "$(id -u):$(id -g)" -v "$PWD:/work" -e STRIPE_WEBHOOK_SECRET \
#     hookgate run --contract stripe-webhook --target http://127.0.0.1:8080 --report out/
#
# There is no shell in it: the receiver is reached with --target. For --exec, copy /usr/local/bin/hookgate from here
# into the receiver's own image.

# Alpine's Rust builds for musl, and what is built there needs no library of the system.
ARG RUST=1.95
FROM rust:${RUST}-alpine AS build
# The compilers for SQLite and the arithmetic of TLS; Alpine keeps no older version of a package to pin.
# hadolint ignore=DL3018
RUN apk add --no-cache build-base perl
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs README.md ./
COPY benches benches
COPY fixtures fixtures
COPY scenarios scenarios
COPY src src
# Said by `hookgate --version`; the repository itself is not in here.
ARG HOOKGATE_COMMIT=""
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    cargo build --locked --profile dist --bin hookgate \
    && install -D target/dist/hookgate /out/hookgate \
    && /out/hookgate --version

FROM gcr.io/distroless/static-debian12:nonroot
ARG HOOKGATE_COMMIT=""
LABEL org.opencontainers.image.title="hookgate" \
      org.opencontainers.image.description="Conformance tests and load for receivers of webhooks" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.revision="${HOOKGATE_COMMIT}"
COPY --from=build /out/hookgate /usr/local/bin/hookgate
WORKDIR /work
USER 65532:65532
# A command that ends has no health.
HEALTHCHECK NONE
ENTRYPOINT ["/usr/local/bin/hookgate"]
CMD ["--help"]
