FROM node:22.20.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY . .
# The page and the programs are built once, not at each start.
RUN npx vite build --config dashboards/vite.config.ts && npm prune --omit=dev --no-audit --no-fund && node bin/prepare.js

FROM node:22.20.0-bookworm-slim
WORKDIR /app
COPY --from=build /app ./
# The one folder that a service writes. A volume that is mounted there gets its owner.
RUN mkdir /state && chown node:node /state
USER node
ENV MODELCOMMONS_HOME=/state NODE_ENV=production
ENTRYPOINT ["node", "bin/modelcommons.js"]
