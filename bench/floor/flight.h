// One DoGet of Arrow Flight over an HTTP/2 connection of its own: as much of both as a reader of rows needs.
// Invariant: of a message only its start is kept across reads; what is found in it lies within its bytes.
#ifndef QANAT_FLIGHT_H
#define QANAT_FLIGHT_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "flatbuffer.h"

// The windows and the longest frame that pyarrow's client announces.
#define WINDOW_BYTES (4u << 20)
// A window is filled up again when a quarter of it is used.
#define REFILL_BYTES (WINDOW_BYTES / 4)
#define FRAME_HEAD_BYTES 9
#define CONTROL_BYTES 8
#define GRPC_PREFIX_BYTES 5
// Metadata and the first bytes of the body: enough for 150 channels in a row.
#define START_BYTES 16384
#define ROWS_MAX 256
// A server accepts frames of this size without being asked.
#define FRAME_BYTES_MIN 16384

enum { DATA = 0, HEADERS = 1, RST_STREAM = 3, SETTINGS = 4, PING = 6, GOAWAY = 7, WINDOW_UPDATE = 8 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8 };

typedef struct {
  uint8_t head[FRAME_HEAD_BYTES];
  uint8_t head_used;
  uint8_t control[CONTROL_BYTES]; // first bytes of a frame that carries no row
  uint32_t control_used;
  uint32_t frame_left; // of the payload
  uint8_t prefix[GRPC_PREFIX_BYTES];
  uint8_t prefix_used;
  bool has_head; // of the response
  uint32_t message_bytes, message_left;
  uint32_t used_bytes; // of the windows
  uint8_t start[START_BYTES];
} Flight;

// What a message of Flight holds.
typedef struct {
  uint32_t rows;      // 0 for a schema
  uint32_t nulls;     // items and lists without a value
  bool has_metadata;  // app_metadata
  uint8_t times[ROWS_MAX * 8];
} FlightMessage;

// ---- what is sent

static inline uint8_t *put_frame(uint8_t *out, uint32_t bytes, uint8_t type, uint8_t flags, uint32_t stream) {
  uint8_t head[FRAME_HEAD_BYTES] = {(uint8_t)(bytes >> 16), (uint8_t)(bytes >> 8), (uint8_t)bytes, type, flags,
                                    (uint8_t)(stream >> 24), (uint8_t)(stream >> 16), (uint8_t)(stream >> 8),
                                    (uint8_t)stream};
  memcpy(out, head, sizeof head);
  return out + sizeof head;
}

static inline uint8_t *put_u32(uint8_t *out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) *out++ = (uint8_t)(value >> shift);
  return out;
}

static inline uint8_t *put_varint(uint8_t *out, uint32_t value) {
  for (; value > 127; value >>= 7) *out++ = (uint8_t)(value | 128);
  *out++ = (uint8_t)value;
  return out;
}

// A string of HPACK below 127 bytes, not packed.
static inline uint8_t *put_string(uint8_t *out, const char *text) {
  size_t bytes = strlen(text) < 127 ? strlen(text) : 126;
  *out++ = (uint8_t)bytes;
  memcpy(out, text, bytes);
  return out + bytes;
}

// A header that enters no table; its name is the static table's, or `name`.
static inline uint8_t *put_header(uint8_t *out, uint8_t index, const char *name, const char *value) {
  *out++ = index;
  if (index == 0) out = put_string(out, name);
  return put_string(out, value);
}

// The preface, the call's head, and its message with the ticket; returns the bytes, 0 if the ticket is too long.
static inline uint32_t flight_request(uint8_t *out, const char *path, const char *ticket, uint16_t port) {
  static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  uint8_t *at = out;
  memcpy(at, PREFACE, sizeof PREFACE - 1);
  at = put_frame(at + sizeof PREFACE - 1, 18, SETTINGS, 0, 0);
  // ENABLE_PUSH, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE
  const uint32_t settings[][2] = {{2, 0}, {4, WINDOW_BYTES}, {5, WINDOW_BYTES}};
  for (int i = 0; i < 3; i++) {
    *at++ = 0;
    *at++ = (uint8_t)settings[i][0];
    at = put_u32(at, settings[i][1]);
  }
  at = put_u32(put_frame(at, 4, WINDOW_UPDATE, 0, 0), WINDOW_BYTES - 65535);
  char authority[32];
  snprintf(authority, sizeof authority, "127.0.0.1:%u", port);
  uint8_t *head = at;
  at += FRAME_HEAD_BYTES;
  *at++ = 0x83; // :method: POST
  *at++ = 0x86; // :scheme: http
  at = put_header(at, 4, NULL, path);
  at = put_header(at, 1, NULL, authority);
  at = put_header(at, 0, "te", "trailers");
  at = put_header(at, 0, "content-type", "application/grpc");
  put_frame(head, (uint32_t)(at - head) - FRAME_HEAD_BYTES, HEADERS, END_HEADERS, 1);
  uint32_t ticket_bytes = (uint32_t)strlen(ticket);
  uint8_t field[8];
  field[0] = 0x0a; // Ticket: field 1
  uint32_t field_bytes = (uint32_t)(put_varint(field + 1, ticket_bytes) - field);
  uint32_t message_bytes = field_bytes + ticket_bytes;
  if (GRPC_PREFIX_BYTES + message_bytes > FRAME_BYTES_MIN) return 0;
  at = put_frame(at, GRPC_PREFIX_BYTES + message_bytes, DATA, END_STREAM, 1);
  *at++ = 0;
  at = put_u32(at, message_bytes);
  memcpy(at, field, field_bytes);
  memcpy(at + field_bytes, ticket, ticket_bytes);
  return (uint32_t)(at + message_bytes - out);
}

// ---- what a message holds

static inline bool get_varint(const uint8_t *from, uint32_t bytes, uint32_t *at, uint32_t *value) {
  *value = 0;
  for (uint32_t shift = 0; shift < 32 && *at < bytes; shift += 7) {
    uint8_t b = from[(*at)++];
    *value |= (uint32_t)(b & 127) << shift;
    if (b < 128) return true;
  }
  return false;
}

// The rows and nulls of a record batch, and where its second buffer, the times, begins. False if it is none.
static inline bool read_batch(const uint8_t *fb, uint32_t bytes, FlightMessage *m, uint32_t *times_at) {
  if (bytes < 16) return false;
  uint32_t message; // the root
  memcpy(&message, fb, 4);
  uint32_t type = fb_field(fb, bytes, message, 1);
  if (type == 0 || fb[type] != 3) return false; // RecordBatch
  uint32_t batch = fb_follow(fb, bytes, fb_field(fb, bytes, message, 2));
  uint32_t length = fb_field(fb, bytes, batch, 0);
  uint32_t nodes = fb_follow(fb, bytes, fb_field(fb, bytes, batch, 1));
  uint32_t buffers = fb_follow(fb, bytes, fb_field(fb, bytes, batch, 2));
  if (length == 0 || nodes == 0 || buffers == 0) return false;
  uint32_t count;
  int64_t value;
  memcpy(&value, fb + length, 8);
  m->rows = (uint32_t)value;
  memcpy(&count, fb + nodes, 4);
  if (count > (bytes - 4 - nodes) / 16) return false;
  m->nulls = 0;
  for (uint32_t i = 0; i < count; i++) {
    memcpy(&value, fb + nodes + 4 + 16 * i + 8, 8);
    m->nulls += (uint32_t)value;
  }
  memcpy(&count, fb + buffers, 4);
  if (count < 2 || buffers + 4 + 32 > bytes) return false;
  memcpy(&value, fb + buffers + 4 + 16, 8);
  *times_at = (uint32_t)value;
  return true;
}

// Reads a FlightData of which `kept` bytes are there. False if it is none, or longer than what was kept.
static inline bool read_flight_data(const uint8_t *from, uint32_t kept, uint32_t all, FlightMessage *m) {
  uint32_t at = 0, tag, bytes, header = 0, header_bytes = 0, times_at = 0;
  m->rows = m->nulls = 0;
  m->has_metadata = false;
  while (at < kept) {
    if (!get_varint(from, kept, &at, &tag) || (tag & 7) != 2 || !get_varint(from, kept, &at, &bytes)) return false;
    if (bytes > all - at) return false;
    switch (tag >> 3) {
      case 2: // data_header
        header = at;
        header_bytes = bytes;
        if (header + header_bytes > kept) return false;
        break;
      case 3: // app_metadata
        m->has_metadata = true;
        break;
      case 1000: { // data_body: the last one that is looked at
        if (at + bytes < all) m->has_metadata = true;
        if (header == 0 || !read_batch(from + header, header_bytes, m, &times_at)) return true;
        if (m->rows > ROWS_MAX || times_at + 8 * m->rows > bytes || at + times_at + 8 * m->rows > kept) return false;
        memcpy(m->times, from + at + times_at, 8 * m->rows);
        return true;
      }
    }
    at += bytes;
  }
  return true;
}
#endif
