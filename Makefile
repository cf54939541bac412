# The front door; Meson does the work.  `make help` lists the targets.

BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
TIME    ?= 60
PCAP    ?=
MINUTES ?= 30

export ADDRESS PORT_OFFSET INTERFACE CONFIG CREDENTIALS # of tools/run.sh

all: $(BUILD)/build.ninja ## build everything into build/
	@ninja -C $(BUILD)

programs: $(BUILD)/build.ninja ## build the programs alone, without the tests
	@ninja -C $(BUILD) programs

$(BUILD)/build.ninja:
	@test -f deps/duckdb/libduckdb.so || { echo 'Run "make deps" first.' >&2; exit 1; }
	meson setup --prefix=$(PREFIX) $(BUILD)

deps: ## bring what it is built from: Debian packages, pinned files into deps/
	@tools/deps.sh

demo: deps ## two simulated months (or PCAP=FILE) to a bilingual report in demo/
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) tools/demo.sh $(PCAP)

run: deps ## a sensor on this machine until Ctrl-C; loopback, or ADDRESS=ADDRESS|all
	@$(MAKE) --no-print-directory programs
	@BUILD=$(BUILD) tools/run.sh

check: ## every test, on gcc, clang and the sanitizers; ends with the sum
	@command -v python3 >/dev/null || tools/deps.sh
	@python3 tools/check.py

bench: deps ## measure; build/bench.json
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) tools/bench.sh

fuzz: deps ## each fuzz target for TIME=60 seconds
	@tools/fuzz.sh $(TIME)

soak: deps ## the live sensor under mixed load for MINUTES=30
	@$(MAKE) --no-print-directory all
	@tools/soak.py $(BUILD) $(MINUTES)

lint: deps ## clang-tidy, cppcheck, shellcheck
	@tools/deps.sh lint
	@tools/lint.sh

install: all ## into PREFIX=/usr/local, below DESTDIR
	@meson configure --prefix=$(PREFIX) $(BUILD)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD)

deb: deps ## Debian packages teiten and teiten-sensor, into build-deb/
	@tools/deps.sh deb
	@tools/deb.sh

format: ## clang-format on the lines changed since the last commit
	@git clang-format --extensions c,h

clean: ## remove what was built (deps/ and run/ stay)
	rm -rf $(BUILD) build-* demo

help:
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 12

.PHONY: all programs deps demo run check bench fuzz soak lint install deb format clean help
