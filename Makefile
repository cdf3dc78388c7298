# go-mlx: `make run` answers a prompt, `make test` runs every test. Each target
# installs what it needs first; all of it is kept, and nothing is done twice.

PROMPT ?= What is the capital of France? Tell me three facts about it.
MODEL  ?= smollm2
GO     ?= go
NATIVE := build/native
MLX    := build/bin/mlx
TOOL   := $(GO) tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help run test race asan sanitize lint vet setup generate check-generate bench fuzz clean $(MLX)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

run: setup ## answer a prompt with the small default model (PROMPT="...", MODEL=...)
	@$(MLX) generate --model "$(MODEL)" --prompt "$(PROMPT)"

test: setup ## run every test, one package at a time: OpenBLAS collapses beside others
	$(GO) test -p 1 -timeout 30m ./...

setup: $(MLX) ## put the native libraries in place (build/native)
	@$(MLX) setup --prefix $(NATIVE)

$(MLX):
	@$(GO) build -o $(MLX) ./cmd/mlx

race: setup ## run the tests that the race detector can follow
	$(GO) test -race -short -p 1 -timeout 30m ./bindings ./gen ./generate ./internal/... ./models/... ./runtime ./templates ./tokenizer ./train/...

# AddressSanitizer must see libstdc++ when the process starts: libmlx brings it later.
ASAN_LDFLAGS := -O2 -g -Wl,--push-state,--no-as-needed -lstdc++ -Wl,--pop-state
asan: setup ## run the tests of our C under AddressSanitizer, leaks included
	CGO_LDFLAGS="$(ASAN_LDFLAGS)" $(GO) test -asan -short -p 1 -timeout 30m ./bindings ./runtime

# The CPU kernels need no MLX: their test program is built alone, the widest
# kernels in portable code too, so that any processor checks them.
sanitize: ## run the checks of the CPU kernels under Address-, UndefinedBehavior- and ThreadSanitizer
	@for kind in address,undefined thread; do \
	  dir=build/cpu-$${kind%%,*}; \
	  cmake -S native/cpu -B $$dir -DGOMLX_CPU_TESTS=ON -DGOMLX_CPU_PLAIN=ON -DGOMLX_SANITIZE=$$kind >/dev/null && \
	  cmake --build $$dir --parallel 2 || exit 1; \
	  for isa in generic avx2 avx512 neon plain16; do \
	    echo "$$kind $$isa"; GO_MLX_CPU_ISA=$$isa GO_MLX_THREADS=3 $$dir/gomlx_cpu_test || exit 1; \
	  done; \
	done

vet: ## vet everything, and the pure-Go packages for a Mac
	$(GO) vet ./...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet ./internal/fetch ./internal/setup ./models/gguf/... ./models/safetensors ./native ./templates ./tokenizer

lint: ## run the linters
	$(TOOL) golangci-lint run ./...

generate: setup ## write the bindings again from the headers
	$(GO) generate ./...

check-generate: generate ## fail when the committed bindings are not what gen writes
	@git diff --exit-code -- bindings runtime native gen/api.lock go.mod || { echo "make generate changed files: commit them" >&2; exit 1; }

bench: setup ## measure beside Python mlx-lm and write the figures
	$(GO) run ./bench
	$(GO) run ./bench --model gemma3-270m
	$(GO) run ./bench kernels
	$(GO) run ./bench start
	$(GO) run ./bench ops
	$(GO) run ./bench train

FUZZTIME ?= 30s
fuzz: ## run every fuzz target for FUZZTIME
	@for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep ^Fuzz); do \
	    echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

clean: ## remove what was built here (downloads stay in the user cache)
	rm -rf build
