/* SPDX-License-Identifier: Apache-2.0 */
#include "example.h"

static _Thread_local const char* message = "";

const char* last_error(void) {
  return message;
}

mikv_status fail(mikv_status status, const char* text) {
  message = text;
  return status;
}

static mikv_status check_shape(const mikv_shape* shape) {
  if (shape->element < MIKV_ELEMENT_FP16 || shape->element > MIKV_ELEMENT_FP32) {
    return fail(MIKV_UNSUPPORTED, "unknown element type");
  }
  if (shape->kv_heads <= 0 || shape->query_heads % shape->kv_heads != 0) {
    return fail(MIKV_INVALID_ARGUMENT, "kv_heads does not divide query_heads");
  }
  if (shape->group_size <= 0 || shape->group_size % 8 != 0 ||
      shape->head_dim % shape->group_size != 0) {
    return fail(MIKV_INVALID_ARGUMENT, "group_size is no multiple of 8 that divides head_dim");
  }
  return MIKV_OK;
}

static mikv_status check_tier(const mikv_shape* shape, const mikv_tier* tier) {
  if (tier == NULL) return MIKV_OK;
  if (tier->format < MIKV_FORMAT_FP16 || tier->format > MIKV_FORMAT_NONE) {
    return fail(MIKV_UNSUPPORTED, "unknown storage format");
  }
  /* Unquantized formats are numbered as the element types are. */
  if (tier->format <= MIKV_FORMAT_FP32 && tier->format != shape->element) {
    return fail(MIKV_INVALID_ARGUMENT, "unquantized storage of another element type");
  }
  return MIKV_OK;
}

/* A longer struct is a later version's: what it adds is for others. */
mikv_status check_args(size_t given, size_t needed, const mikv_shape* shape, const mikv_tier* tier,
                       const mikv_tier* other_tier) {
  if (given < needed) return fail(MIKV_INVALID_ARGUMENT, "struct_size is too small");
  mikv_status status = check_shape(shape);
  if (status == MIKV_OK) status = check_tier(shape, tier);
  if (status == MIKV_OK) status = check_tier(shape, other_tier);
  return status;
}
