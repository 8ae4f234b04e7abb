# Programs that prove the client: included by client/client.mk. They link what a user links, libtally.a, and pieces of
# base for themselves.

PROOF := $(BUILD)/tests/client
proof_objects = $(call client_objects,$(patsubst %,tests/client/proof/%.c,$(1)))
PROOF_BASE = $(call client_objects,$(patsubst %,server/base/%.c,$(CLIENT_BASE)))
PROOF_PROGRAMS := fault-proxy fault-job client-live client-hostile alloc-failures
PROOF_OF_fault-proxy := proxy message plan
PROOF_OF_fault-job := job
PROOF_OF_client-live := live live_run live_model
PROOF_OF_client-hostile := hostile hostile_answers fake message
PROOF_OF_alloc-failures := alloc alloc_calls failing fake message
# Each is a function of failing.c.
PROOF_WRAPPED := malloc calloc realloc strdup strndup aligned_alloc posix_memalign reallocarray asprintf vasprintf \
  __asprintf_chk __vasprintf_chk fopen fdopen opendir fdopendir pthread_create mmap
PROOF_FLAGS_alloc-failures := $(patsubst %,-Wl$(comma)--wrap=%,$(PROOF_WRAPPED))

define proof_program
$(PROOF)/$(1): $$(call proof_objects,$$(PROOF_OF_$(1))) $$(PROOF_BASE) $$(BUILD)/libtally.a
	$$(call say,LD,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(BASE_LDFLAGS) $$(PROOF_FLAGS_$(1)) -o $$@ $$^ $$(CLIENT_LIBS)
endef
$(foreach program,$(PROOF_PROGRAMS),$(eval $(call proof_program,$(program))))

.PHONY: client-proof
client-proof: $(addprefix $(PROOF)/,$(PROOF_PROGRAMS))
	@:
