# Drover. `make demo` and `make test` need nothing but Go, make, and root on a Linux 5.15 or newer.

GO      ?= go
PREFIX  ?= /usr/local
OUT     := .build

.PHONY: build generate lint test demo bench clean install

build: ## the daemon and the lab, in .build/
	$(GO) build -o $(OUT)/ ./cmd/drover ./cmd/lab

generate: ## the BPF objects, which are committed; wants clang-19 and libbpf-dev
	$(GO) generate ./bpf ./bench/yardstick ./bench/ipvs

lint: ## formatting, go vet, a tidy go.mod
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt wants: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) mod tidy -diff
	$(GO) mod verify

test: ## every test; those that want root or a tool that is absent are skipped, with DROVER_TEST_STRICT=1 they fail
	$(GO) test -count=1 -timeout 20m ./...

demo: build ## the tutorial's network, load balanced, step by step; as root
	$(OUT)/lab demo --drover $(OUT)/drover

bench: ## every benchmark, beside yardsticks of the same run; as root
	$(GO) run ./bench all --check

clean:
	rm -rf $(OUT) .lab

install: build ## drover and its systemd unit; PREFIX and DESTDIR are heeded
	install -D -m 0755 $(OUT)/drover $(DESTDIR)$(PREFIX)/sbin/drover
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's#@sbin@#$(PREFIX)/sbin#' cmd/drover/drover.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/drover.service
