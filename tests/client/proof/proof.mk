# Programs that prove the client: included by client/client.mk. They link what a user links, libtally.a, and pieces of
# base for themselves.

PROOF := $(BUILD)/tests/client
proof_objects = $(call client_objects,$(patsubst %,tests/client/proof/%.c,$(1)))
PROOF_BASE = $(call client_objects,$(patsubst %,server/base/%.c,$(CLIENT_BASE)))
PROOF_PROGRAMS := fault-proxy
PROOF_OF_fault-proxy := proxy message plan

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
