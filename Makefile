# Everything a contributor types. `make test` is what CI runs.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: all build run test lint bench pgo apps fuzz soak gen console clean

all: build

build: console
	$(GO) build -buildvcs=auto -o bin/ ./cmd/...

# Node, cloud, console and a demo application under attack, in one process.
run: console
	$(GO) build -buildvcs=auto -o bin/ ./cmd/gabion
	bin/gabion run --demo --data .run

test:
	.ci/run

lint:
	@test -z "$$(git ls-files -z '*.go' | xargs -0 gofmt -l | tee -a /dev/stderr)"
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./engine/... ./internal/node/...
	$(GO) run ./cmd/gabion score --corpus corpus
	cd bench && $(GO) run ./compare && $(GO) run ./worst && $(GO) run ./proxy

# The profile that builds are optimised by, of ordinary requests and of every
# third of the worst. Go takes it by its name.
pgo:
	mkdir -p bin
	$(GO) test -run '^$$' -bench 'Get|Form|JSON|Body16M' -benchtime 6s -o bin/engine.test -cpuprofile bin/ordinary.pprof ./engine
	cd bench && $(GO) run ./worst -every 3 -show 0 -largest 0 -cpuprofile ../bin/worst.pprof
	$(GO) tool pprof -proto bin/ordinary.pprof bin/worst.pprof > cmd/gabion/default.pgo
	cp cmd/gabion/default.pgo cmd/gabion-node/ && cp cmd/gabion/default.pgo bench/worst/

# Real applications, directly and behind a node: APPS="cgit radicale" make apps
apps:
	cd apps && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-audit --no-fund; } && node run.mjs $(APPS)

# FUZZTIME=10m make fuzz
FUZZTIME ?= 10s
fuzz:
	tools/fuzz.sh $(FUZZTIME)

# Kill and restart, over and over (SOAK=100 make soak), and 10,000 requests of
# all sizes to 16 MiB through each protocol.
SOAK ?= 10
soak:
	$(GO) test -count $(SOAK) -timeout 0 -run 'Kill|Demo' ./cmd/... ./internal/...
	GABION_UNTOUCHED=10000 $(GO) test -timeout 0 -run Untouched -v ./internal/node/proxy

gen:
	$(GO) generate ./...
	$(GO) run ./cmd/gabion config schema > docs/config.schema.json
	$(GO) run ./cmd/gabion config reference > docs/config.md
	$(GO) run ./cmd/gabion reference > docs/cli.md
	$(GO) list -deps -f '{{if not .Standard}}{{.ImportPath}}{{end}}' ./cmd/gabion-node | LC_ALL=C sort > cmd/gabion-node/deps.txt
	$(GO) test -run TestPackageList . -update
	{ sed '/^| target/,$$d' docs/fuzzing.md; tools/fuzz.sh -t docs/fuzzing.tsv; } > docs/fuzzing.md.new && mv docs/fuzzing.md.new docs/fuzzing.md

# The console is embedded when it has been built; Go code builds without it.
console:
	@if [ -f console/package.json ]; then tools/console.sh; fi

clean:
	rm -rf bin .run
