# make test: everything that a bare machine with Go can check. It says what it lacks.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
OAPI_CODEGEN = github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2
SPECTRAL = @stoplight/spectral-cli@6.16.3
FUZZTIME ?= 30s
# Node for machines whose own is missing or older than vite wants (20.19): a package of npm's.
NODE = node@22.22.3
# Packages with golden files: their tests know -update.
GOLDEN = ./ledger/batch ./ledger/custody ./ledger/excursion ./ledger/ischemia ./ledger/record ./ledger/report

# The race detector needs a C compiler. Without one the tests run all the same, and the line says so.
RACE := $(shell command -v gcc >/dev/null 2>&1 && echo -race)

.PHONY: test lint spec generated web cross fuzz demo

test:
	@command -v $(GO) >/dev/null || { echo "make test needs Go 1.26 or later: https://go.dev/dl/"; exit 1; }
	@[ -n "$(RACE)" ] || echo "no C compiler: the tests run without the race detector (apt-get install gcc)"
	@command -v mkfs.ext4 >/dev/null || echo "no mkfs.ext4: power-cut tests skip (apt-get install e2fsprogs)"
	@[ -n "$$ISOTHERM_TESTDATA" ] || echo "ISOTHERM_TESTDATA is not set: tests on captures and vectors skip"
	$(GO) test $(RACE) -timeout 20m $$($(GO) list ./... | grep -v '^isotherm/cmd/isotherm$$')
	@[ -z "$(RACE)" ] || { echo "now 100,000 malformed requests, without the race detector"; $(GO) test -timeout 10m -run '^TestContract_malformed$$' -v ./api; }
	@[ -z "$(RACE)" ] || { echo "now 1,000,000 mutants of captured streams, without the race detector"; $(GO) test -timeout 10m -run '^TestDecoder_Mutants$$' -v ./hardware/gnss; }
	@echo "now whole journeys, one after another, with processes of their own: about six minutes"
	$(GO) test $(RACE) -timeout 20m ./cmd/isotherm

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt these files"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# The HTTP contract passes Spectral's default rules, warnings included.
spec:
	@command -v npm >/dev/null || { echo "make spec needs Node and npm: apt-get install npm"; exit 1; }
	npm exec --yes --package=$(SPECTRAL) -- spectral lint api/openapi.yaml --ruleset api/.spectral.yaml --fail-severity hint

# Golden files and other generated files must come out as they are committed.
generated:
	cd api && $(GO) run $(OAPI_CODEGEN) -config contract/types.yaml openapi.yaml
	cd api && $(GO) run $(OAPI_CODEGEN) -config server/server.yaml openapi.yaml
	cd api && $(GO) run $(OAPI_CODEGEN) -config stranger/client.yaml openapi.yaml
	git diff --exit-code -- api
	$(GO) test $(GOLDEN) -update >/dev/null
	git diff --exit-code -- $(GOLDEN) api/web/src/sign/testdata

# The pages: built files are committed, and must come out as they are. `go build` alone needs none of this.
WEB = api/web/dist api/web/src/lib/schema.gen.ts tracker/page
web:
	@command -v npm >/dev/null || { echo "make web needs npm, and Node 20.19 or later: apt-get install npm"; exit 1; }
	cd api/web && npm ci --no-audit --no-fund
	cd api/web && if node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || a == 20 && b >= 19 ? 0 : 1)'; \
		then npm run all; else npm exec --yes --package=$(NODE) -- npm run all; fi
	@git diff --exit-code --stat -- $(WEB) && test -z "$$(git status --porcelain -- $(WEB))" || { git status --short -- $(WEB); echo "the built pages differ from what is committed: commit them"; exit 1; }

# Boxes run on small ARM boards.
cross:
	CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=6 $(GO) build -o /dev/null ./cmd/trackerd
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null ./cmd/trackerd
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build ./...

# Every parser of outside bytes, one after another.
fuzz:
	@for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x $$pkg || exit 1; \
		done; \
	done

demo:
	$(GO) run ./cmd/isotherm demo
