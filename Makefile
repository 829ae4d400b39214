# Thin: everything is in meson.build and tools/. The binary is build/kulla.
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60

all: build/build.ninja
	ninja -C build kulla

# An existing build folder is reconfigured by ninja when it must be.
build/build.ninja:
	tools/setup --check build || tools/setup build
	meson setup build --prefix=$(PREFIX)

demo: all
	build/kulla demo

test:
	tools/setup --check build test || tools/setup build test
	tools/test

bench: all
	tools/setup --check bench || tools/setup bench
	bench/run

install: all
	meson install -C build $(if $(DESTDIR),--destdir $(DESTDIR))

# Each fuzz target for FUZZ_SECONDS.
fuzz:
	tools/setup --check build test || tools/setup build test
	tools/fuzz $(FUZZ_SECONDS)

format:
	python3 tools/check_format.py --fix

clean:
	rm -rf build build-*

.PHONY: all demo test bench install fuzz format clean
