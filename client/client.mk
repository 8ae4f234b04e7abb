# libtally and the command line: included by the Makefile.

CLIENT_ABI := 0
CLIENT := $(BUILD)/client
CLIENT_SOURCES := $(sort $(wildcard client/*.c))
CLI_SOURCES := $(sort $(wildcard client/cli/*.c))
# What the client shares with the server: pieces of base that need no other library. tests/drift/include-direction has
# the same list for their headers.
CLIENT_BASE := arena base64url buffer crc32c instant json_scan json_write key number_format number_parse power_of_ten url utf8 uuid
CLIENT_TEST_SOURCES := $(sort $(wildcard tests/client/test_*.c))
CLIENT_FUZZ_SOURCES := $(sort $(wildcard tests/fuzz/fuzz_client_*.c))

client_objects = $(patsubst %.c,$(CLIENT)/obj/%.o,$(1))
CLIENT_OBJECTS := $(call client_objects,$(CLIENT_SOURCES) $(patsubst %,server/base/%.c,$(CLIENT_BASE)))
CLI_OBJECTS := $(call client_objects,$(CLI_SOURCES))
CLIENT_TEST_HELPERS := $(call client_objects,$(filter-out $(CLIENT_TEST_SOURCES),$(wildcard tests/client/*.c)))
CLIENT_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(CLIENT_TEST_SOURCES))

CLIENT_CFLAGS := $(filter-out -fPIE,$(BASE_CFLAGS)) -fPIC -fvisibility=hidden -Iclient -Iclient/include
CLIENT_LIBS = $(call pkg,libs,libcurl jansson) -lm -ldl

.PHONY: client client-tests
##> make client     build/libtally.a, build/libtally.so and build/tally
client: $(BUILD)/libtally.a $(BUILD)/libtally.so $(BUILD)/tally.pc $(if $(CLI_SOURCES),$(BUILD)/tally)
	@:
client-tests: $(CLIENT_TESTS)
	@:

$(CLIENT)/obj/%.o: %.c $(STAMP)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLIENT_CFLAGS) $(STRICT) $(call pkg,cflags,libcurl jansson $(if $(filter tests/%,$<),check)) \
	  -MMD -MP -c -o $@ $<

# Exactly the functions of client/libtally.symbols are exported, under a version of the ABI.
$(CLIENT)/libtally.map: client/libtally.symbols
	@mkdir -p $(@D)
	@{ echo 'TALLY_$(CLIENT_ABI) {'; echo '  global:'; sed -n 's/^\(tally_[a-z0-9_]*\)$$/    \1;/p' $<; \
	  echo '  local: *;'; echo '};'; } > $@

$(BUILD)/libtally.so.$(CLIENT_ABI): $(CLIENT_OBJECTS) $(CLIENT)/libtally.map
	$(call say,LD,$@)
	$(Q)$(CC) -shared -pthread $(SANITIZE) -Wl,-z,relro,-z,now -Wl,-soname,$(@F) \
	  -Wl,--version-script=$(CLIENT)/libtally.map $(EXTRA_LDFLAGS) -o $@ $(CLIENT_OBJECTS) $(CLIENT_LIBS)

$(BUILD)/libtally.so: $(BUILD)/libtally.so.$(CLIENT_ABI)
	$(Q)ln -sf $(<F) $@

# One object whose hidden names are made local, so that nothing but the API can collide with names of a program.
$(BUILD)/libtally.a: $(CLIENT_OBJECTS)
	$(call say,AR,$@)
	@rm -f $@
	$(Q)ld -r -o $(CLIENT)/libtally.o $(CLIENT_OBJECTS)
	$(Q)objcopy --localize-hidden $(CLIENT)/libtally.o
	$(Q)$(AR) rcs $@ $(CLIENT)/libtally.o

# For tests, which look inside.
$(CLIENT)/libclient.a: $(CLIENT_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(CLIENT_OBJECTS)

$(BUILD)/tally: $(CLI_OBJECTS) $(BUILD)/libtally.a $(call client_objects,$(patsubst %,server/base/%.c,$(CLIENT_BASE)))
	$(call say,LD,$@)
	$(Q)$(CC) $(BASE_LDFLAGS) -o $@ $(CLI_OBJECTS) $(BUILD)/libtally.a $(filter $(CLIENT)/obj/server/base/%.o,$^) $(CLIENT_LIBS)

# The pieces of the command line that a unit test can see into.
$(BUILD)/tests/client/test_cli_%: $(CLIENT)/obj/tests/client/test_cli_%.o $(BUILD)/obj/main/cli_%.o \
  $(CLIENT_TEST_HELPERS) $(filter-out %/main.o,$(CLI_OBJECTS)) $(CLIENT)/libclient.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(call pkg,libs,check)

# Library, headers, pkg-config, command line, its manual pages and completions.
.PHONY: install-client
install-client: client
	install -d '$(DESTDIR)$(PREFIX)/bin' '$(DESTDIR)$(PREFIX)/lib/pkgconfig' '$(DESTDIR)$(PREFIX)/include/tally' \
	  '$(DESTDIR)$(PREFIX)/share/man/man1' '$(DESTDIR)$(PREFIX)/share/bash-completion/completions' \
	  '$(DESTDIR)$(PREFIX)/share/zsh/site-functions'
	install -m 755 $(BUILD)/tally '$(DESTDIR)$(PREFIX)/bin/tally'
	install -m 644 $(BUILD)/libtally.a '$(DESTDIR)$(PREFIX)/lib/libtally.a'
	install -m 755 $(BUILD)/libtally.so.$(CLIENT_ABI) '$(DESTDIR)$(PREFIX)/lib/libtally.so.$(CLIENT_ABI)'
	ln -sf libtally.so.$(CLIENT_ABI) '$(DESTDIR)$(PREFIX)/lib/libtally.so'
	sed 's|@PREFIX@|$(PREFIX)|g; s|@VERSION@|$(VERSION)|g' client/tally.pc.in > '$(DESTDIR)$(PREFIX)/lib/pkgconfig/tally.pc'
	chmod 644 '$(DESTDIR)$(PREFIX)/lib/pkgconfig/tally.pc'
	install -m 644 client/include/tally.h '$(DESTDIR)$(PREFIX)/include/tally.h'
	install -m 644 $(wildcard client/include/tally/*) '$(DESTDIR)$(PREFIX)/include/tally'
	$(BUILD)/tally manual > '$(DESTDIR)$(PREFIX)/share/man/man1/tally.1'
	$(BUILD)/tally manual pages | while read -r page; do \
	  $(BUILD)/tally manual $$page > '$(DESTDIR)$(PREFIX)/share/man/man1/tally-'"$$(echo $$page | tr ' ' -)".1 || exit 1; done
	chmod 644 '$(DESTDIR)$(PREFIX)/share/man/man1/'tally*.1
	$(BUILD)/tally completion bash > '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tally'
	$(BUILD)/tally completion zsh > '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tally'
	chmod 644 '$(DESTDIR)$(PREFIX)/share/bash-completion/completions/tally' \
	  '$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_tally'

$(BUILD)/tally.pc: client/tally.pc.in Makefile
	@mkdir -p $(@D)
	@sed 's|@PREFIX@|$(PREFIX)|g; s|@VERSION@|$(VERSION)|g' $< > $@

# As the tests of tests/unit: `Suite *X_suite (void)` and the shared main.
$(BUILD)/tests/client/test_%: $(CLIENT)/obj/tests/client/test_%.o $(BUILD)/obj/main/%.o $(CLIENT_TEST_HELPERS) \
  $(CLIENT)/libclient.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(CHECK_LDFLAGS) -o $@ $^ $(CLIENT_LIBS) $(call pkg,libs,check)

# Loaded by the test at run time, as the driver's library is.
$(BUILD)/tests/client/libnvidia-fake.so: tests/client/fake/nvidia.c $(STAMP)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CLIENT_CFLAGS) $(STRICT) -fvisibility=default -shared $(SANITIZE) -o $@ $<
$(BUILD)/tests/client/test_system: | $(BUILD)/tests/client/libnvidia-fake.so

$(BUILD)/tests/fuzz/fuzz_client_%: $(CLIENT)/obj/tests/fuzz/fuzz_client_%.o $(FUZZ_MAIN) $(CLIENT)/libclient.a
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE_LDFLAGS) $(if $(FUZZ_ENGINE),-fsanitize=fuzzer) -o $@ $^ $(CLIENT_LIBS)

# What proves it from outside.
include tests/client/proof/proof.mk
