# The two commands for newcomers, and what developers type.
#   make demo   installs what is missing, builds, exports, shows the result
#   make test   builds and runs every test
BUILD ?= build

.PHONY: demo test build deps onnxruntime sanitize bench fuzz faults coverage wheel install clean format
.PHONY: web studio plugin manylinux dist deb recipes aarch64 test-packages

demo: deps onnxruntime
	@DMX_TARGETS="demucs-onnx demucs_onnx_checker" scripts/build.sh $(BUILD)
	@scripts/demo.sh $(BUILD)

test: build onnxruntime
	@scripts/test.sh $(BUILD)

build: deps
	@scripts/build.sh $(BUILD)

deps:
	@scripts/install-deps.sh

onnxruntime: deps
	@scripts/get-onnxruntime.sh

sanitize: deps onnxruntime
	@scripts/test-sanitized.sh
	@scripts/test-threads.sh

bench: build onnxruntime
	@bench/run.sh $(BUILD)

fuzz: deps
	@scripts/fuzz.sh all 3600

faults: build onnxruntime
	@scripts/faults.sh $(BUILD)

coverage: deps
	@scripts/coverage.sh

wheel: deps
	@DMX_TARGETS="demucs_onnx demucs_onnx_checker" scripts/build.sh $(BUILD)
	@scripts/wheel.sh $(BUILD) dist

# A wheel for every Linux with glibc 2.31, with the libraries of the tarball inside
manylinux: dist
	@scripts/wheel.sh dist/demucs-onnx-*-linux-$$(uname -m).tar.gz dist

# Packages, docs/packages.md; test-packages tries them all, in about an hour
dist: onnxruntime
	@scripts/dist.sh dist

deb: deps
	@scripts/deb.sh dist

recipes:
	@scripts/recipes.sh dist

aarch64: deps
	@scripts/aarch64.sh

test-packages:
	@scripts/test-packages.sh

# The WebAssembly module and the npm package: build/web/package
web:
	@scripts/install-web-deps.sh node npm || true # wasm-opt, if it can be had
	@scripts/web.sh $(BUILD)

# The LV2 plug-in: build/plugin/demucs-onnx.lv2
plugin: deps
	@DMX_TARGETS=plugin scripts/build.sh $(BUILD) -DDMX_PLUGIN=ON

# The studio page, served to this computer
studio:
	@scripts/studio.sh $(BUILD)

install: build
	cmake --install $(BUILD)

format:
	@scripts/format.sh

clean:
	rm -rf build build-*
