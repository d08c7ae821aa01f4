# tnull in a container: docker run --rm -p 10809:10809 tnull
# scripts/docker-check.sh runs these steps without an engine; keep RUN lines to relative paths.

# The compiler is a native program for the builder's machine; what it makes runs anywhere.
FROM --platform=$BUILDPLATFORM node:20-slim AS build
WORKDIR /src
COPY package.json package-lock.json tsconfig.json tsconfig.base.json rolldown.config.js ./
COPY packages packages
COPY bench/package.json bench/package.json
RUN npm ci --no-audit --no-fund --ignore-scripts
COPY src src
COPY bin bin
COPY scripts/vendor.js scripts/client-types.js scripts/
RUN npx tsc -b src && node scripts/vendor.js && npx rolldown -c && node scripts/client-types.js
# As npm would install it: it needs nothing beside.
RUN mkdir out \
 && npm pack --silent --ignore-scripts \
 && tar -xzf tnull-*.tgz -C out --strip-components=1

FROM node:20-alpine
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/out ./
RUN mkdir -p ../usr/local/bin && ln -s ../../../app/bin/tnull.js ../usr/local/bin/tnull
USER node
EXPOSE 10809
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --start-period=5s CMD ["tnull", "wait", "--timeout", "5"]
ENTRYPOINT ["tnull"]
CMD ["--listen", "nbd://0.0.0.0:10809", "--memory-backed"]
