# Dragoman. `make` lists what can be made.
SHELL       := /bin/bash
BIN         := bin/dragoman
DATA        ?= data
LISTEN      ?= 127.0.0.1:8080
TORTURED    := TestPowerLoss|TestFlippedBytes|TestModel|TestHistories|TestSubscribers$$
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

# What is tested and measured is what the container image holds: a binary without C, whose caches the garbage collector counts.
export CGO_ENABLED := 0

.PHONY: help run build test screenshots torture nodeclients quick bench lint docs need-go need-postgres need-npm need-chromium need-promtool assets

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

run: build need-postgres ## build, start with demo data, print address and logins (LISTEN=…, DATA=…)
	@exec $(BIN) demo --listen $(LISTEN) --data $(DATA)

build: need-go assets ## build the binary into bin/
	go build -o $(BIN) ./cmd/dragoman

test: build need-postgres nodeclients need-chromium need-promtool ## everything: vet, then every test against the real parts, and docs/coverage.md against the tests that passed
	go vet ./...
	set -o pipefail; go test -json -timeout 55m ./... | go run ./internal/coverage docs/coverage.md

torture: need-go need-postgres ## the random proofs of the event log, of backups, of the network, of several processes and of a working day with many times their usual rounds (TORTURE=…); takes an hour or two
	TORTURE=$${TORTURE:-100} go test -count=1 -v -timeout 6h -run '$(TORTURED)' ./internal/esnode/...
	DRAGOMAN_FAILOVERS=$${DRAGOMAN_FAILOVERS:-5} DRAGOMAN_LONG_TESTS=1 go test -count=1 -v -timeout 2h -run 'TestClusterFailsOver|TestFailovers|TestANewLeaderThatIsNotReady' ./cmd/dragoman ./internal/eventlog
	DRAGOMAN_BACKUPS=$${DRAGOMAN_BACKUPS:-50} go test -count=1 -v -timeout 3h -run 'TestBackupsUnderLoad' ./cmd/dragoman
	DRAGOMAN_FAULTS=$${DRAGOMAN_FAULTS:-3} go test -count=1 -v -timeout 3h -run 'TestNetworkFaults' ./cmd/dragoman
	DRAGOMAN_TURNS=$${DRAGOMAN_TURNS:-60} go test -count=1 -v -timeout 1h -run 'TestThreeProcessesTakeTurns' ./cmd/dragoman
	DRAGOMAN_WORKDAY=$${DRAGOMAN_WORKDAY:-300} go test -count=1 -v -timeout 1h -run 'TestAWorkingDay' ./cmd/dragoman

quick: need-go assets ## what needs no database: the domain, the event schema, the arrows between the rooms
	go test ./domain/... ./eventschema/... ./internal/arrows/...

screenshots: build need-postgres need-chromium ## every page at both widths, light and dark, into screenshots/
	mkdir -p screenshots && rm -f screenshots/*.png
	SCREENSHOTS=$(CURDIR)/screenshots go test -count 1 -timeout 20m -run TestEveryPageIsAccessible ./cmd/dragoman

bench: build need-postgres ## the measurements of docs/performance.md, side by side in one run
	go run ./cmd/bench $(BENCHFLAGS)

lint: need-go assets ## staticcheck, and govulncheck where its database can be reached
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); [ -z "$$unformatted" ] || { echo "gofmt would change: $$unformatted"; exit 1; }
	go run $(STATICCHECK) ./...
	@out=$$(go run $(GOVULNCHECK) ./... 2>&1); code=$$?; \
	if [ $$code -ne 0 ] && ! grep -q 'exit status 3' <<<"$$out" && grep -qiE 'fetching vulnerabilities|vuln.go.dev|dial tcp|no such host|forbidden|proxyconnect' <<<"$$out"; \
	then echo "govulncheck: its database cannot be reached from here, so known vulnerabilities were not looked up"; \
	else echo "$$out"; exit $$code; fi

docs: need-go ## regenerate the generated pages of docs/
	go generate ./eventschema/...

assets: httpapi/docsui/assets/swagger-ui-bundle.js web/dist/manifest.json

web/dist/manifest.json: web/package-lock.json web/build.mjs $(wildcard web/src/*) | need-npm
	cd web && npm ci --silent --no-audit --no-fund && npm run --silent build

httpapi/docsui/assets/swagger-ui-bundle.js: httpapi/docsui/package-lock.json | need-npm
	cd httpapi/docsui && npm ci --silent --ignore-scripts
	mkdir -p httpapi/docsui/assets
	cp httpapi/docsui/node_modules/swagger-ui-dist/swagger-ui{-bundle.js,.css} httpapi/docsui/assets/
	touch $@

nodeclients: internal/esnode/testdata/nodeclients/node_modules/.package-lock.json ## install the official Node clients that are played against the embedded node

internal/esnode/testdata/nodeclients/node_modules/.package-lock.json: internal/esnode/testdata/nodeclients/package-lock.json | need-npm
	cd internal/esnode/testdata/nodeclients && npm ci --silent --no-audit --no-fund
	touch $@

need-go:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is missing: see https://go.dev/doc/install"; exit 1; }

need-npm:
	@command -v npm >/dev/null || { if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get update -qq && apt-get install -y -qq npm; \
	else echo "npm is missing: install Node.js 20 or newer (Debian: apt-get install npm)"; exit 1; fi; }

need-promtool: # Debian's package would start a Prometheus here, so only the tool is taken out of it
	@command -v promtool >/dev/null || [ -x bin/promtool ] || { if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; \
	then d=$$(mktemp -d) && chmod 755 $$d && { [ "$$(id -u)" != 0 ] || apt-get update -qq; } && (cd $$d && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .) && \
	mkdir -p bin && mv $$d/usr/bin/promtool bin/ && rm -r $$d; \
	else echo "promtool is missing: it comes with Prometheus, see https://prometheus.io/download"; exit 1; fi; }

need-postgres:
	@{ command -v initdb || ls /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb; } >/dev/null 2>&1 || [ -n "$$DATABASE_URL" ] || \
	{ if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; \
	then apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql; \
	else echo "PostgreSQL 14 or newer is missing: install it (Debian: apt-get install postgresql), or set DATABASE_URL"; exit 1; fi; }

# The shell without a browser around its pages, whose tabs cost half, where it can be had.
need-chromium:
	@command -v chromium-headless-shell >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	{ apt-get install -y -qq --no-install-recommends chromium-headless-shell || apt-get install -y -qq --no-install-recommends chromium; }; } || \
	command -v chromium >/dev/null || \
	{ echo "Chromium is missing, which the tests of pages need: install it (Debian: apt-get install chromium-headless-shell)"; exit 1; }
