# A thin front for Meson: every target says what it does and can be run again.
BUILD ?= build
PREFIX ?= /usr/local
PYTHON := /usr/bin/python3

.PHONY: all packages demo demo-quick check check-lab check-long bench bench-check bench-compat bench-hook bench-pool bench-switches bench-vfio install clean

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) --prefix=$(PREFIX)

packages:
	@packaging/install-packages

check: packages
	@$(PYTHON) tests/check

check-lab: packages
	@$(PYTHON) tests/check lab

check-long: packages
	@$(PYTHON) tests/check --long

# A Linux guest with a mediated device and a hybrid NIC moves between two virtual hosts with real VFIO and SR-IOV.
demo: packages
	@$(PYTHON) lab/demo

# A Linux guest with an ephemeral NIC moves between two hosts made of namespaces, and is pinged.
demo-quick: packages
	@$(PYTHON) tests/pair/demo

install: all
	meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir=$(DESTDIR))

clean:
	rm -rf build build-*

# Measures: ratios against a named peer or limit, each taken in the same run.  On a quiet machine.
bench: packages bench-check bench-compat bench-host bench-pool bench-vfio bench-daemon bench-hook bench-pair bench-switches

bench-check: $(BUILD)/build.ninja
	@ninja -C $(BUILD) tests/migrate/bench-check
	@$(BUILD)/tests/migrate/bench-check

bench-compat: $(BUILD)/build.ninja
	@ninja -C $(BUILD) tests/compat/bench-compat-check
	@$(BUILD)/tests/compat/bench-compat-check

bench-host: $(BUILD)/build.ninja
	@ninja -C $(BUILD) tests/host/bench-host-inventory
	@$(BUILD)/tests/host/bench-host-inventory

bench-pool: $(BUILD)/build.ninja
	@ninja -C $(BUILD) tests/api/bench-pool-claim
	@$(BUILD)/tests/api/bench-pool-claim

bench-vfio: $(BUILD)/build.ninja
	@ninja -C $(BUILD) tests/vfio/bench-vfio
	@$(BUILD)/tests/vfio/bench-vfio

bench-daemon: all
	@bench/daemon --build $(BUILD)

bench-hook: $(BUILD)/build.ninja
	@ninja -C $(BUILD) src/hook/ferry-hook
	@bench/hook --build $(BUILD)

bench-pair: all
	@bench/pair/run

bench-switches:
	@bench/switches
