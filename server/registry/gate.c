/* Gates: whether an alias or a stage of a registered model may move. */
#include "registry/gate.h"

enum err_code
registry_gate_ask (struct registry_change *change, const struct registry_move *move, struct err *err)
{
  (void)change;
  (void)move;
  (void)err;
  return ERR_OK;
}

enum err_code
registry_gate_binds (bool *binds, struct registry_change *change, struct slice model, struct slice alias, int16_t stage,
                     struct err *err)
{
  (void)change;
  (void)model;
  (void)alias;
  (void)stage;
  (void)err;
  *binds = false;
  return ERR_OK;
}

enum err_code
registry_gate_rename (struct registry_change *change, const struct store_registered_model *model, struct slice new_name,
                      struct err *err)
{
  (void)change;
  (void)model;
  (void)new_name;
  (void)err;
  return ERR_OK;
}

enum err_code
registry_gate_ask_all (struct registry_change *change, const struct registry_move *moves, size_t count, struct err *err)
{
  enum err_code code = ERR_OK;

  for (size_t i = 0; ERR_OK == code && i < count; i++)
    code = registry_gate_ask (change, &moves[i], err);
  return code;
}
