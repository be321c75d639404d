// Finds rows in what a server sends: response head, chunks or fixed messages, and the time in each.
// Invariant: bytes are looked at where recv put them; only a message's first bytes and its time are kept across reads.
#ifndef QANAT_FRAMING_H
#define QANAT_FRAMING_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "flatbuffer.h"

#define PREFIX_BYTES 64
#define HEAD_BYTES_MAX 4096
#define LINE_END 4

typedef enum { FORMAT_EVENTS, FORMAT_ARROW, FORMAT_RAW, FORMAT_FLIGHT } Format;
typedef enum { TIME_NONE, TIME_TEXT, TIME_INT64 } TimeKind;
typedef enum { ROW, NO_ROW, GAP_EVENT, END_EVENT } MessageKind;

// How messages lie in the body.
typedef struct {
  Format format;
  int64_t stride_ns;
  uint32_t frame_bytes; // raw: bytes of each message, whatever chunks it lies in
  uint32_t time_at;     // raw: where its time lies, below PREFIX_BYTES
  TimeKind time_kind;   // raw
} Layout;

// A message that has begun. A chunk holds one or several.
typedef struct {
  uint32_t at;      // bytes of it seen
  uint32_t bytes;   // Arrow: of the whole; 0 not known yet
  uint32_t time_at; // Arrow: where the time lies; 0 not known yet
  bool ends_line;   // events: whether the last byte seen ends a line
  uint8_t prefix[PREFIX_BYTES];
  uint8_t time[8];
} Message;

typedef enum {
  IN_HEAD,
  IN_SIZE,      // hexadecimal digits
  IN_EXTENSION, // to the line's end
  IN_BODY,
  AFTER_BODY, // CR LF behind a chunk
  IN_PLAIN,   // a body without chunks
  AT_END
} Place;

typedef struct {
  uint8_t place;
  uint8_t line_end;   // of IN_HEAD: how much of CR LF CR LF was seen; of AFTER_BODY: bytes left
  uint16_t head_used; // bytes kept in head
  uint16_t status;    // of the response
  uint32_t left;      // bytes left of the chunk
  uint32_t metadata_bytes; // Arrow: of the last row
  char *head;              // until the response's head is whole
  Message message;
} Stream;

static inline int64_t decimal(const uint8_t *at, const uint8_t *end) {
  int64_t n = 0;
  const uint8_t *p = at;
  while (p < end && *p >= '0' && *p <= '9' && p - at < 19) n = n * 10 + (*p++ - '0');
  return p == at ? -1 : n;
}

static inline bool has(const uint8_t *at, uint32_t bytes, const char *text, uint32_t text_bytes) {
  return bytes >= text_bytes && memcmp(at, text, text_bytes) == 0;
}

static inline uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

// Arrow: bytes of a message whose first bytes are known; those to the end of the chunk where that cannot be found.
static inline uint32_t arrow_bytes(const Message *m, uint32_t metadata_bytes) {
  const uint8_t *fb = m->prefix + 8;
  uint32_t kept = m->at - 8, table;
  if (kept < 16) return metadata_bytes == 0 ? 8 : UINT32_MAX;
  memcpy(&table, fb, 4);
  uint32_t field = fb_field(fb, kept, table, 3); // bodyLength
  int64_t body_bytes = 0;                        // without the field: none
  if (table > kept - 4) return UINT32_MAX;
  if (field != 0) memcpy(&body_bytes, fb + field, 8);
  return 8 + metadata_bytes + (uint32_t)body_bytes;
}

// How many of these bytes belong to the message that has begun; `ends`: whether it ends with them.
static inline uint32_t message_part(Message *m, const Layout *layout, const uint8_t *from, uint32_t bytes, bool *ends) {
  *ends = false;
  if (layout->format == FORMAT_RAW) {
    uint32_t n = smaller(layout->frame_bytes - m->at, bytes);
    *ends = m->at + n == layout->frame_bytes;
    return n;
  }
  if (layout->format == FORMAT_ARROW) {
    if (m->at < 8) return smaller(8 - m->at, bytes);
    uint32_t metadata_bytes;
    memcpy(&metadata_bytes, m->prefix + 4, 4);
    uint32_t known = smaller(PREFIX_BYTES, 8 + metadata_bytes);
    if (m->at < known) return smaller(known - m->at, bytes);
    if (m->bytes == 0) m->bytes = arrow_bytes(m, metadata_bytes);
    uint32_t n = smaller(m->bytes - m->at, bytes);
    *ends = m->at + n == m->bytes;
    return n;
  }
  // An event ends with an empty line; packed ones, which begin with no letter, lie in chunks of their own.
  if ((m->at == 0 ? from[0] : m->prefix[0]) < ' ') return bytes;
  bool after_line = m->at > 0 && m->ends_line;
  for (uint32_t i = 0; i < bytes;) {
    if (from[i] == '\n' && after_line) {
      *ends = true;
      return i + 1;
    }
    const uint8_t *line_end = memchr(from + i, '\n', bytes - i);
    if (!line_end) break;
    i = (uint32_t)(line_end - from) + 1;
    after_line = true;
  }
  m->ends_line = from[bytes - 1] == '\n';
  return bytes;
}

// Takes the next bytes of a message into account.
static inline void message_take(Message *m, const Layout *layout, const uint8_t *from, uint32_t bytes) {
  uint32_t at = m->at;
  if (at < PREFIX_BYTES) {
    uint32_t n = PREFIX_BYTES - at < bytes ? PREFIX_BYTES - at : bytes;
    memcpy(m->prefix + at, from, n);
  }
  if (layout->format == FORMAT_ARROW) {
    // byte offset  bytes  what
    //           0      4  −1
    //           4      4  L, length of the metadata with its padding
    //           8      L  metadata
    //         8+L      8  time of the row: the first buffer of the body
    if (m->time_at == 0 && at + bytes >= 8) {
      uint32_t length;
      memcpy(&length, m->prefix + 4, 4);
      m->time_at = 8 + length;
    }
    uint32_t first = m->time_at > at ? m->time_at : at;
    uint32_t last = m->time_at + 8 < at + bytes ? m->time_at + 8 : at + bytes;
    if (m->time_at != 0 && first < last) memcpy(m->time + (first - m->time_at), from + (first - at), last - first);
  }
  m->at = at + bytes;
}

// What a whole message is, and where its row ends, ns.
static inline MessageKind message_kind(const Message *m, const Layout *layout, Stream *s, int64_t *end_ns) {
  uint32_t kept = m->at < PREFIX_BYTES ? m->at : PREFIX_BYTES;
  *end_ns = -1;
  if (layout->format == FORMAT_RAW) {
    const uint8_t *at = m->prefix + layout->time_at;
    if (layout->time_kind == TIME_INT64) memcpy(end_ns, at, 8);
    if (layout->time_kind == TIME_TEXT) *end_ns = decimal(at, m->prefix + kept);
    return ROW;
  }
  if (layout->format == FORMAT_ARROW) {
    int64_t time_ns;
    if (m->time_at == 0 || m->at < m->time_at + 8) return NO_ROW; // a schema, an end, a batch of no rows
    memcpy(&time_ns, m->time, 8);
    if (time_ns <= 0) return NO_ROW;
    *end_ns = time_ns + layout->stride_ns;
    // A batch that tells a gap has more metadata than its neighbours.
    uint32_t metadata_bytes = m->time_at - 8;
    bool tells_gap = s->metadata_bytes != 0 && metadata_bytes > s->metadata_bytes;
    if (s->metadata_bytes == 0 || metadata_bytes < s->metadata_bytes) s->metadata_bytes = metadata_bytes;
    return tells_gap ? GAP_EVENT : ROW;
  }
  // `id: ` lies at 0, behind the 5 bytes of a stored deflate block, or behind 10 of gzip's head, too.
  uint32_t at = 0;
  while (at <= 16 && at + 4 <= kept && memcmp(m->prefix + at, "id: ", 4) != 0) at++;
  if (at > 16 || at + 4 > kept) {
    for (at = 0; at <= 16 && at + 10 <= kept; at++) {
      if (memcmp(m->prefix + at, "event: gap", 10) == 0) return GAP_EVENT;
      if (memcmp(m->prefix + at, "event: end", 10) == 0) return END_EVENT;
    }
    return NO_ROW;
  }
  const uint8_t *digits = m->prefix + at + 4;
  const uint8_t *end = m->prefix + kept;
  int64_t id = decimal(digits, end);
  const uint8_t *next = digits;
  while (next < end && *next != '\n') next++;
  if (next < end) next++;
  uint32_t rest = (uint32_t)(end - next);
  if (has(next, rest, "data:", 5)) {
    *end_ns = id;
    return ROW;
  }
  if (has(next, rest, "event: gap", 10)) return GAP_EVENT;
  return NO_ROW; // a heartbeat
}

static inline void message_begin(Message *m) {
  m->at = 0;
  m->bytes = 0;
  m->time_at = 0;
}
#endif
