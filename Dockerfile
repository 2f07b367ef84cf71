FROM node:22-bookworm-slim
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-audit --no-fund
COPY . .
# The page is built once, not at each start.
RUN npx vite build --config dashboards/vite.config.ts
ENTRYPOINT ["node", "bin/modelcommons.js"]
