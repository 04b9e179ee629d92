# The shard, the sink and the worker: one image, the command says which.
FROM node:20.19-bookworm-slim

# The build needs the compilers among the development packages; `--no-save` because a changed lock file would make the
# start install everything again.
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN node scripts/setup.mjs \
 && npm prune --omit=dev --no-save --no-audit --no-fund \
 && npm cache clean --force \
 && mkdir -p /data && chown node:node /data
ENV NODE_ENV=production AFTERCARE_DATA_DIR=/data
USER node
VOLUME /data
ENTRYPOINT ["node", "bin/aftercare.mjs"]
