// Finds fields in a flatbuffer, which the metadata of an Arrow message is.
// Invariant: nothing outside of its bytes is read.
#ifndef QANAT_FLATBUFFER_H
#define QANAT_FLATBUFFER_H
#include <stdint.h>
#include <string.h>

// A table of a flatbuffer: where the field lies, 0 if it is not there.
static inline uint32_t fb_field(const uint8_t *fb, uint32_t bytes, uint32_t table, uint32_t field) {
  int32_t back;
  uint16_t vtable_bytes, offset;
  if (table == 0 || table > bytes - 4) return 0;
  memcpy(&back, fb + table, 4);
  uint32_t vtable = table - (uint32_t)back, slot = vtable + 4 + 2 * field;
  if (vtable > bytes - 4 || slot > bytes - 2) return 0;
  memcpy(&vtable_bytes, fb + vtable, 2);
  if (4 + 2 * field + 2 > vtable_bytes) return 0;
  memcpy(&offset, fb + slot, 2);
  uint32_t at = table + offset;
  return offset == 0 || at > bytes - 8 ? 0 : at;
}

// What an offset in a flatbuffer leads to; 0 if that lies outside.
static inline uint32_t fb_follow(const uint8_t *fb, uint32_t bytes, uint32_t at) {
  uint32_t offset;
  if (at == 0 || at > bytes - 4) return 0;
  memcpy(&offset, fb + at, 4);
  return offset > bytes - 4 - at ? 0 : at + offset;
}
#endif
