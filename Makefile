# A thin front for Meson: every target says what it does and can be run again.
BUILD ?= build
PREFIX ?= /usr/local
PYTHON := /usr/bin/python3

.PHONY: all packages demo check check-lab check-long bench bench-vfio install clean

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

install: all
	meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir=$(DESTDIR))

clean:
	rm -rf build build-*

bench: bench-vfio

bench-vfio: $(BUILD)/build.ninja
	@ninja -C $(BUILD) tests/vfio/bench-vfio
	@$(BUILD)/tests/vfio/bench-vfio
