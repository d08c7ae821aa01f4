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
RUN npx tsc -b src && npx rolldown -c
# The program and what it needs at run time, each laid out as npm would install it.
RUN mkdir out \
 && npm pack --silent --ignore-scripts \
 && npm ci --omit=dev --no-audit --no-fund --ignore-scripts \
 && tar -xzf tnull-*.tgz -C out --strip-components=1 \
 && rm -rf node_modules/nbd-server-protocol-ts node_modules/tnull-bench \
 && rm -rf node_modules/.bin node_modules/.package-lock.json \
 && mv node_modules out/node_modules

FROM node:20-alpine
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /src/out ./
USER node
EXPOSE 10809
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "/app/bin/tnull.js"]
CMD ["--listen", "nbd://0.0.0.0:10809", "--memory-backed"]
