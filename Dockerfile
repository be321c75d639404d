# Qanat in a container: docker build -t qanat . && docker run -p 8080:8080 qanat [--kafka HOST:PORT …]
# Without --kafka it serves the embedded source. Run it with --sysctl net.ipv4.tcp_notsent_lowat=65536 (as compose.yaml
# does), so that Qanat notices sooner that a client is slow: docs/deployment.md, "The kernel".
FROM denoland/deno:2.9.6

WORKDIR /app
RUN chown deno:deno /app
USER deno

COPY --chown=deno:deno deno.json deno.lock ./
COPY --chown=deno:deno src ./src
COPY --chown=deno:deno mod.ts LICENSE ./
# src/main.ts starts the other two as workers, so `deno cache` must name all three.
RUN deno cache --quiet --frozen src/main.ts src/worker.ts src/ingest.ts src/publish.ts src/token.ts && \
    deno cache --quiet --frozen --lock=src/tail/deno.lock src/tail.ts

# docker build --build-arg REVISION="$(git rev-parse --short HEAD)": shown in /v1/version, qanat_build_info and a label.
ARG REVISION=""
LABEL org.opencontainers.image.title="qanat" \
    org.opencontainers.image.description="Live time series from Kafka to many clients over HTTP" \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="0.2.0" \
    org.opencontainers.image.revision="$REVISION"
ENV QANAT_HOST=0.0.0.0 \
    QANAT_PORT=8080 \
    QANAT_REVISION=$REVISION
EXPOSE 8080
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["deno", "eval", "const r = await fetch(`http://127.0.0.1:${Deno.env.get('QANAT_PORT')}${Deno.env.get('QANAT_BASE_PATH') ?? ''}/healthz`, { signal: AbortSignal.timeout(2000) }); Deno.exit(r.ok ? 0 : 1)"]

# Qanat shuts down in an orderly way on SIGTERM. Flags follow the image's name: docker run qanat --kafka …
ENTRYPOINT ["deno", "run", "--no-prompt", "--frozen", "--cached-only", "--v8-flags=--max-semi-space-size=8,--heap-growing-percent=20", "-P=start", "src/main.ts"]
CMD []
