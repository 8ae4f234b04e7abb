# Tally: build, test and install. `make help` lists what can be made.
#
#   V=1            show every command
#   WERROR=1       warnings are errors
#   CC=clang       another compiler (everything is built anew)
#   SANITIZER=...  address, undefined, thread, or address,undefined: built apart, in build/<sanitizer>

VERSION := 0.1.0
PREFIX ?= /usr/local

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
# Keep every object: none is a mere step on the way.
.SECONDARY:
.DEFAULT_GOAL := all

ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif
CC ?= gcc
AR ?= ar

comma := ,
BUILD := build$(if $(SANITIZER),/$(subst $(comma),-,$(SANITIZER)))
GEN := $(BUILD)/gen
Q := $(if $(V),,@)
# One word and one path for each step; nothing when V=1 shows the command itself.
say = $(if $(V),@:,@printf '  %-8s %s\n' '$(1)' '$(2)')

# --- flags -------------------------------------------------------------------------------------------------------

# Each pkg-config question is asked once, and only by a target that needs the answer: `make run` must start on a
# machine that has no pkg-config yet.
pkg_once = $(if $(filter undefined,$(origin pkg_$(1)_$(2))),$(eval pkg_$(1)_$(2) := $$(shell pkg-config --$(1) $(2) \
  || echo missing)))$(if $(filter missing,$(pkg_$(1)_$(2))),$(error the development files of $(2) are missing: run \
  deploy/dev/setup build check))$(pkg_$(1)_$(2))
pkg = $(foreach package,$(2),$(call pkg_once,$(1),$(package)))

SERVER_PACKAGES := libmicrohttpd gnutls libpq jansson libcrypto libpcre2-8 zlib expat libjwt
SANITIZE := $(if $(SANITIZER),-fsanitize=$(SANITIZER) -fno-omit-frame-pointer \
  $(if $(findstring undefined,$(SANITIZER)),-fno-sanitize-recover=undefined))
# _FORTIFY_SOURCE hides calls from the sanitizers; -O1 keeps their reports readable.
OPTIMIZE := $(if $(SANITIZER),-O1,-O2 -D_FORTIFY_SOURCE=2)
WARN := -Wall -Wextra -Wshadow -Wconversion
STRICT := $(if $(WERROR),-Werror)
DEFINES := -D_GNU_SOURCE -DTALLY_VERSION='"$(VERSION)"'
BASE_CFLAGS := -std=gnu11 $(OPTIMIZE) -g $(WARN) $(DEFINES) -fstack-protector-strong -fPIE -pthread $(SANITIZE) \
  -Iserver -I$(GEN) $(EXTRA_CFLAGS)
BASE_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now $(SANITIZE) $(EXTRA_LDFLAGS)
SERVER_LIBS = $(call pkg,libs,$(SERVER_PACKAGES)) -lm -ldl

# --- what there is -------------------------------------------------------------------------------------------------

LIBRARY_SOURCES := $(sort $(wildcard server/*/*.c))
MAIN_SOURCE := $(wildcard server/main.c)
UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
STORE_SOURCES := $(sort $(wildcard tests/store/test_*.c))
S3_SOURCES := $(sort $(wildcard tests/s3/test_*.c))
FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_*.c))
HTTP_SOURCES := $(sort $(wildcard tests/http/*.c))
CRASH_SOURCES := $(sort $(wildcard tests/crash/*.c))
BENCH_SOURCES := $(sort $(wildcard tests/bench/*.c))

objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIBRARY_OBJECTS := $(call objects,$(LIBRARY_SOURCES)) $(BUILD)/obj/gen/migrations.o
UNIT_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(UNIT_SOURCES))
STORE_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(STORE_SOURCES))
S3_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(S3_SOURCES))
FUZZ_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(FUZZ_SOURCES))
# Other files of tests/unit, tests/store and tests/s3 (fixtures) are linked into each test beside them.
helper_objects = $(call objects,$(sort $(filter-out $(2) tests/$(1)/main.c,$(wildcard tests/$(1)/*.c))))
UNIT_HELPERS := $(call helper_objects,unit,$(UNIT_SOURCES))
STORE_HELPERS := $(call helper_objects,store,$(STORE_SOURCES))
S3_HELPERS := $(call helper_objects,s3,$(S3_SOURCES))
HTTP_RUNNER := $(if $(HTTP_SOURCES),$(BUILD)/tests/http-runner)
CRASH_RUNNER := $(if $(CRASH_SOURCES),$(BUILD)/tests/crash-runner)
# What the crash runner shares with the HTTP tests.
CRASH_HELPERS := $(call objects,$(addprefix tests/http/,api.c client.c raw.c tls.c))

.PHONY: all run check crash oracle lint bench bench-full fuzz web web-packages install clean help setup reference format tests unit-tests \
  store-tests s3-tests fuzz-replay http-runner crash-runner objects print-tests FORCE

##> make            build/tallyd, build/tally and build/libtally.{a,so}
all: $(BUILD)/tallyd client
	@:

##> make run        set up what is missing, build, and start Tally with a PostgreSQL of its own
run:
	@exec deploy/dev/run

##> make check      every test, from units to the browser
check:
	@exec deploy/dev/check

##> make crash      1,000 kills of daemon and PostgreSQL under load, then count every point (about a quarter of an hour)
crash: $(BUILD)/tallyd crash-runner
	@TALLYD='$(CURDIR)/$(BUILD)/tallyd' TALLY_TEST_BUILD='$(CURDIR)/$(BUILD)' tests/crash/run --kills 1000

##> make oracle     100,000 random searches of runs beside what plain SQL says of them (some minutes)
oracle: $(BUILD)/tests/store/test_oracle
	@TALLY_TEST_BUILD='$(CURDIR)/$(BUILD)' tests/store/oracle

##> make lint       warnings, format, include directions, drift of docs and samples, scripts, web
lint:
	@exec deploy/dev/lint

##> make bench      the measurements of tests/bench, beside MLflow's newest release: an hour
bench: $(BUILD)/tallyd
	@exec tests/bench/run

##> make bench-full  the same with longer rounds, up to 100 M points stored, 1 M runs searched: three and a half hours, 40 GB of disk
bench-full: $(BUILD)/tallyd
	@exec tests/bench/run --full

##> make fuzz FUZZ=name SECONDS=60    fuzz one target with clang's libFuzzer; no FUZZ: each in turn
fuzz:
	@exec deploy/dev/fuzz '$(FUZZ)' '$(or $(SECONDS),60)'

##> make setup      install the Debian packages that building, running and testing need
setup:
	@exec deploy/dev/setup build run web check proxy lint

##> make reference  docs/reference and the sample configuration, written anew by the program
reference: $(BUILD)/tallyd
	@tests/drift/reference --write

##> make format     clang-format over all C
format:
	@git ls-files -co --exclude-standard '*.[ch]' | xargs clang-format -i

# --- compiling -----------------------------------------------------------------------------------------------------

# Objects depend on this file, which changes with the compiler or a flag. Going from WERROR=1 back to none rebuilds
# nothing: those objects are the same, only proven more strictly.
STAMP := $(BUILD)/flags
STAMP_TEXT = $(CC) $(shell $(CC) --version 2>/dev/null | head -n 1) $(BASE_CFLAGS)
$(STAMP): FORCE
	@mkdir -p $(@D); old=$$(cat $@ 2>/dev/null); plain=$$(printf '%s' '$(subst ','\'',$(STAMP_TEXT))'); \
	if [ "$$old" != "$$plain -Werror" ] && { [ -n '$(WERROR)' ] || [ "$$old" != "$$plain" ]; }; then \
	  printf '%s\n' "$$plain$(if $(WERROR), -Werror)" > $@; fi

# libcurl is loaded when it is needed (server/base/curl_library.h); only tests are linked with it.
packages_of = $(SERVER_PACKAGES) libcurl $(if $(filter tests/unit/% tests/store/% tests/s3/%,$(1)),check)

$(BUILD)/obj/gen/%.o: $(GEN)/%.c $(STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(STRICT) -MMD -MP -c -o $@ $<

$(BUILD)/obj/%.o: %.c $(STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(STRICT) $(call pkg,cflags,$(call packages_of,$<)) -MMD -MP -c -o $@ $<

$(GEN)/migrations.c: deploy/build/embed-migrations migrations $(wildcard migrations/*.sql)
	$(call say,EMBED,migrations)
	@mkdir -p $(@D)
	$(Q)deploy/build/embed-migrations migrations > $@

$(BUILD)/libserver.a: $(LIBRARY_OBJECTS) $(BUILD)/sources
	$(call say,AR,$@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(LIBRARY_OBJECTS)

# Changes when a source file appears or goes, so that no archive keeps the object of a file that is gone.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D); echo '$(LIBRARY_SOURCES)' | cmp -s - $@ || echo '$(LIBRARY_SOURCES)' > $@

$(BUILD)/tallyd: $(BUILD)/obj/server/main.o $(BUILD)/libserver.a
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $^ $(SERVER_LIBS)

# FUZZ_ENGINE=1: libFuzzer brings its own main (deploy/dev/fuzz); else replay.c replays the corpus.
FUZZ_MAIN := $(if $(FUZZ_ENGINE),,$(BUILD)/obj/tests/fuzz/replay.o)

include client/client.mk

objects: $(LIBRARY_OBJECTS) $(call objects,$(MAIN_SOURCE) $(UNIT_SOURCES) $(STORE_SOURCES) $(S3_SOURCES) \
  $(filter-out $(CLIENT_FUZZ_SOURCES),$(FUZZ_SOURCES)) $(HTTP_SOURCES) $(CRASH_SOURCES) $(BENCH_SOURCES) \
  $(wildcard tests/unit/main.c tests/fuzz/replay.c)) $(UNIT_HELPERS) $(STORE_HELPERS) $(S3_HELPERS)

# --- tests ---------------------------------------------------------------------------------------------------------

tests: $(UNIT_TESTS) $(CLIENT_TESTS) $(STORE_TESTS) $(S3_TESTS) $(FUZZ_TESTS) $(HTTP_RUNNER) $(CRASH_RUNNER)
	@:
unit-tests: $(UNIT_TESTS)
	@:
store-tests: $(STORE_TESTS)
	@:
s3-tests: $(S3_TESTS)
	@:
fuzz-replay: $(FUZZ_TESTS)
	@:
http-runner: $(BUILD)/tests/http-runner
	@:
crash-runner: $(BUILD)/tests/crash-runner
	@:
print-tests:
	@echo 'build=$(BUILD)'; echo 'unit=$(UNIT_TESTS)'; echo 'client=$(CLIENT_TESTS)'; echo 'store=$(STORE_TESTS)'; echo 's3=$(S3_TESTS)'; echo 'fuzz=$(FUZZ_TESTS)'

# What Check does after every assertion that holds is done in main.c.
CHECK_LDFLAGS = -Wl,--wrap=_mark_point
# Each test_X.c is a program: its `Suite *X_suite (void)` and the shared main, compiled to call it.
$(BUILD)/obj/main/%.o: tests/unit/main.c $(STAMP)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_CFLAGS) $(STRICT) -DSUITE=$*_suite $(call pkg,cflags,check) -MMD -MP -c -o $@ $<

$(BUILD)/tests/unit/test_%: $(BUILD)/obj/tests/unit/test_%.o $(BUILD)/obj/main/%.o $(UNIT_HELPERS) $(BUILD)/libserver.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(SERVER_LIBS) $(call pkg,libs,check)

$(BUILD)/tests/store/test_%: $(BUILD)/obj/tests/store/test_%.o $(BUILD)/obj/main/%.o $(STORE_HELPERS) $(BUILD)/libserver.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(SERVER_LIBS) $(call pkg,libs,check)

$(BUILD)/tests/s3/test_%: $(BUILD)/obj/tests/s3/test_%.o $(BUILD)/obj/main/%.o $(S3_HELPERS) $(BUILD)/libserver.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(SERVER_LIBS) $(call pkg,libs,check libcurl)

$(BUILD)/tests/fuzz/fuzz_%: $(BUILD)/obj/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(BUILD)/libserver.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(if $(FUZZ_ENGINE),-fsanitize=fuzzer) -o $@ $^ $(SERVER_LIBS)

$(BUILD)/tests/http-runner: $(call objects,$(HTTP_SOURCES)) $(BUILD)/libserver.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $^ $(SERVER_LIBS) $(call pkg,libs,libcurl libssl)

$(BUILD)/tests/crash-runner: $(call objects,$(CRASH_SOURCES)) $(CRASH_HELPERS) $(BUILD)/libserver.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $^ $(SERVER_LIBS) $(call pkg,libs,libcurl libssl)

# --- web -----------------------------------------------------------------------------------------------------------

WEB_SOURCES = $(shell find web \( -name node_modules -o -name tests \) -prune -o -type f -print)
WEB_DIST := build/web
# These tools talk much; it is worth reading only when they fail.
quietly = $(if $(V),$(1),@mkdir -p build; ($(1)) > build/web.log 2>&1 || { cat build/web.log; exit 1; })

##> make web        the dashboard, into build/web
web: $(WEB_DIST)/index.html
	@:
web-packages: web/node_modules/.package-lock.json
	@:

# npm writes this file last, so that it also stands for what a person installed by hand.
web/node_modules/.package-lock.json: web/package-lock.json
	$(call say,NPM,web)
	$(call quietly,cd web && npm ci --no-audit --no-fund --loglevel=error)
	@touch $@

$(WEB_DIST)/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	$(call say,WEB,$(WEB_DIST))
	$(call quietly,cd web && TALLY_WEB_OUT='$(CURDIR)/$(WEB_DIST)' npm run --silent build)
	@touch $@

# --- install and the rest ------------------------------------------------------------------------------------------

##> make install    into PREFIX (/usr/local), below DESTDIR when given
install: $(BUILD)/tallyd web install-client
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/share/tally/web' '$(DESTDIR)$(PREFIX)/lib/systemd/system'
	install -m 755 $(BUILD)/tallyd '$(DESTDIR)$(PREFIX)/bin/tallyd'
	rm -rf '$(DESTDIR)$(PREFIX)/share/tally/web'
	cp -R $(WEB_DIST) '$(DESTDIR)$(PREFIX)/share/tally/web'
	chmod -R u=rwX,go=rX '$(DESTDIR)$(PREFIX)/share/tally/web'
	$(BUILD)/tallyd config --sample > '$(DESTDIR)$(PREFIX)/share/tally/tallyd.conf.sample'
	chmod 644 '$(DESTDIR)$(PREFIX)/share/tally/tallyd.conf.sample'
	sed 's|@PREFIX@|$(PREFIX)|g' deploy/tallyd.service > '$(DESTDIR)$(PREFIX)/lib/systemd/system/tallyd.service'
	chmod 644 '$(DESTDIR)$(PREFIX)/lib/systemd/system/tallyd.service'

##> make clean      remove everything built; data in .tally stays
clean:
	rm -rf build web/node_modules

##> make help       this list
help:
	@sed -n 's/^##> //p' Makefile; echo; sed -n 's/^#   //p' Makefile

FORCE:

-include $(shell find $(BUILD)/obj $(BUILD)/client -name '*.d' 2>/dev/null)
