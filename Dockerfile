# The API page's scripts come from npm, the binary from Go; the image holds nothing else.
FROM node:20-bookworm-slim AS assets
WORKDIR /src
COPY httpapi/docsui/package.json httpapi/docsui/package-lock.json ./
RUN npm ci --silent --ignore-scripts

FROM node:20-bookworm-slim AS portal
WORKDIR /src
COPY web/package.json web/package-lock.json ./
RUN npm ci --silent
COPY web/build.mjs ./
COPY web/src ./src
RUN npm run --silent build

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=assets /src/node_modules/swagger-ui-dist/swagger-ui-bundle.js /src/node_modules/swagger-ui-dist/swagger-ui.css httpapi/docsui/assets/
COPY --from=portal /src/dist/ web/dist/
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /dragoman ./cmd/dragoman && mkdir /data /erasures

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /dragoman /usr/local/bin/dragoman
COPY --from=build --chown=nonroot:nonroot /data /data
COPY --from=build --chown=nonroot:nonroot /erasures /erasures
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["dragoman"]
CMD ["serve"]
