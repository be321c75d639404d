// A cheap reader of many streams, so that its own cost does not distort the measurement. One process, one thread, epoll.
// Invariant: limits on clients and seconds; reads from 127.0.0.1 only; each client is steady, connects and disconnects,
// or stalls, and the three kinds are counted separately.
//
//   cc -O2 -std=c11 -o reader reader.c
//   reader --port P --clients N --requests FILE [options]
//
// FILE has one request per line, with fields separated by TABs: METHOD, PATH, then headers (`Name: value`); after an
// empty field the rest of the line is the body. Client i sends line i modulo the number of lines, and the next line when
// it connects again.
//
//   --format events|arrow|raw   the format (arrow). a chunk of Qanat has one row or several; the reader finds the times
//   --format flight             Arrow Flight: PATH is that of the method DoGet, the body the ticket. A row in which any
//                               item is null counts as missing
//   --stride-ns N               time span of a row (62500000)
//   --gps-minus-unix-ns N       what to add to CLOCK_REALTIME to get the clock of the rows' times (0)
//   --frame-bytes N             raw: messages of N bytes each, whatever the chunks
//   --time-at P                 raw: where in the message its time (the end of its row, ns) lies, below 64 (0)
//   --time text|int64|none      raw: how it is written (text: decimal digits)
//   --rate N                    connections begun in a second (1000); --storm begins all at once
//   --attach-seconds N          longest wait for the response heads of all (60)
//   --settle N  --seconds N     seconds before and of the measurement (2, 10)
//   --tick-ms N                 prints `tick {…}` so often from the start (0: never)
//   --churn N  --churn-part F   N times a second one of the part F of the clients leaves and comes again (0, 0.5)
//   --stall F  --stall-for S    the part F of the clients stops reading, from the attachment on without end (S 0), or in
//                               turns of S seconds; they ask for small receive buffers (--stall-rcvbuf, 4096)
//   --pause-us N                waits so long after each round of reads, so that reads come in batches (0)
//
// Prints `attached {…}`, `measuring {…}`, `measured`, at last one line of JSON. A connection that breaks or ends counts
// as `ended`, another status than 200 as `refused`; a client of the second and third kind then comes again.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "flight.h"
#include "framing.h"
#include "histogram.h"

#define CLIENTS_MAX 19000
#define SECONDS_MAX 7200
#define BUFFER_BYTES 65536
#define REQUEST_BYTES_MAX (1 << 20)
#define EVENTS_MAX 512
#define SWEEP_NS 50000000ll
#define SECOND_NS 1000000000ll
#define NO_HTTP_STATUS 999
#define AGAIN_NS SECOND_NS // before a client that was refused or ended comes again

typedef enum { STEADY, CHURN, STALL, ROLES } Role;
static const char *const ROLE_NAMES[ROLES] = {"steady", "churn", "stalled"};

typedef struct {
  int fd;
  uint8_t role;
  bool is_attached;
  bool is_stalled;
  uint32_t rows; // in the window
  uint32_t index;
  uint32_t generation;
  int64_t begun_ns; // of this connection
  int64_t last_end_ns;
  int64_t again_ns;   // when to connect again; 0: not
  char *unsent;       // rest of a request that the kernel did not take at once
  uint32_t unsent_bytes;
  Flight *flight; // of --format flight
  Stream stream;
} Client;

typedef struct {
  uint64_t rows, lost, gaps, late, bytes, ended;
  Histogram latency;
} Group;

static struct {
  uint16_t port;
  uint32_t clients;
  const char *requests;
  double rate, settle, seconds, attach_seconds, churn, churn_part, stall, stall_for;
  int64_t clock_offset_ns;
  int tick_ms, pause_us, stall_rcvbuf;
  bool is_storm;
} options = {.rate = 1000, .settle = 2, .seconds = 10, .attach_seconds = 60, .churn_part = 0.5, .stall_rcvbuf = 4096};
static Layout layout = {.format = FORMAT_ARROW, .stride_ns = 62500000, .time_kind = TIME_TEXT};

static Client *clients;
static Group groups[ROLES];
static char **lines;
static uint32_t line_count;
static int poller;
static bool is_measuring;
static volatile sig_atomic_t is_stopped;
static uint32_t open_count, attached_count, refused_count, refused_status, first_attached;
static uint64_t tick_rows, tick_lost;
static int64_t tick_max_ns;
static Histogram attach_times;
static uint8_t buffer[BUFFER_BYTES];

static void die(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  exit(2);
}

static int64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static double cpu_seconds(const struct timeval *t) { return (double)t->tv_sec + (double)t->tv_usec / 1e6; }

// ---- connections

static void read_requests(void) {
  FILE *file = fopen(options.requests, "r");
  if (!file) die("cannot read %s", options.requests);
  char *line = NULL;
  size_t room = 0;
  ssize_t bytes;
  while ((bytes = getline(&line, &room, file)) > 0) {
    if (line[bytes - 1] == '\n') line[--bytes] = 0;
    if (bytes == 0) continue;
    lines = realloc(lines, (line_count + 1) * sizeof *lines);
    lines[line_count++] = strdup(line);
  }
  free(line);
  fclose(file);
  if (line_count == 0) die("%s has no request", options.requests);
}

// Writes the request of a line; returns its bytes.
static uint32_t write_request(char *out, const char *line) {
  char *copy = strdup(line), *rest = copy;
  const char *method = strsep(&rest, "\t"), *path = strsep(&rest, "\t");
  if (!path) die("a request needs METHOD and PATH, parted by a TAB: %s", line);
  if (layout.format == FORMAT_FLIGHT) {
    const char *empty = strsep(&rest, "\t");
    if (!rest || *empty != 0 || strlen(path) > 126) die("a call needs POST, PATH, an empty field and a ticket: %s", line);
    uint32_t bytes = flight_request((uint8_t *)out, path, rest, options.port);
    if (bytes == 0) die("a ticket is longer than one frame: %s", line);
    free(copy);
    return bytes;
  }
  int at = snprintf(out, REQUEST_BYTES_MAX, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", method, path, options.port);
  const char *body = NULL, *field;
  while (at < REQUEST_BYTES_MAX && rest) {
    field = strsep(&rest, "\t");
    if (*field == 0) {
      body = rest;
      break;
    }
    at += snprintf(out + at, (size_t)(REQUEST_BYTES_MAX - at), "%s\r\n", field);
  }
  if (at < REQUEST_BYTES_MAX && body)
    at += snprintf(out + at, (size_t)(REQUEST_BYTES_MAX - at), "Content-Length: %zu\r\n", strlen(body));
  if (at < REQUEST_BYTES_MAX) at += snprintf(out + at, (size_t)(REQUEST_BYTES_MAX - at), "\r\n%s", body ? body : "");
  if (at >= REQUEST_BYTES_MAX) die("a request is longer than %d bytes", REQUEST_BYTES_MAX);
  free(copy);
  return (uint32_t)at;
}

static void watch(Client *c, int how, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = c};
  epoll_ctl(poller, how, c->fd, &event);
}

static void client_open(Client *c) {
  c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (c->fd < 0) die("no socket for client %u: %s", c->index, strerror(errno));
  if (c->role == STALL)
    setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &options.stall_rcvbuf, sizeof options.stall_rcvbuf);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(options.port)};
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
    die("cannot connect to 127.0.0.1:%u: %s", options.port, strerror(errno));
  c->begun_ns = clock_ns(CLOCK_MONOTONIC);
  c->again_ns = 0;
  c->last_end_ns = 0;
  c->is_attached = c->is_stalled = false;
  memset(&c->stream, 0, sizeof c->stream);
  if (layout.format == FORMAT_FLIGHT) c->flight = calloc(1, sizeof *c->flight);
  static char request[REQUEST_BYTES_MAX];
  c->unsent_bytes = write_request(request, lines[(c->index + c->generation) % line_count]);
  c->unsent = memcpy(malloc(c->unsent_bytes), request, c->unsent_bytes);
  watch(c, EPOLL_CTL_ADD, EPOLLOUT);
  open_count++;
}

static void client_close(Client *c, bool abruptly) {
  if (c->fd < 0) return;
  if (abruptly) {
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  close(c->fd);
  free(c->unsent);
  free(c->stream.head);
  free(c->flight);
  c->flight = NULL;
  c->unsent = c->stream.head = NULL;
  c->fd = -1;
  open_count--;
  if (c->is_attached) attached_count--;
  c->is_attached = false;
  c->generation++;
}

// The server ended it, or refused it.
static void client_lost(Client *c, int64_t mono_ns) {
  if (c->stream.status != 0 && c->stream.status != 200) {
    refused_count++;
    refused_status = c->stream.status;
  } else groups[c->role].ended++;
  client_close(c, false);
  if (c->role != STEADY) c->again_ns = mono_ns + AGAIN_NS;
}

// Sends the request, or what is left of it. False when the connection cannot be had.
static bool client_send(Client *c) {
  ssize_t sent = send(c->fd, c->unsent, c->unsent_bytes, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  c->unsent_bytes -= (uint32_t)sent;
  memmove(c->unsent, c->unsent + sent, c->unsent_bytes);
  if (c->unsent_bytes > 0) return true;
  free(c->unsent);
  c->unsent = NULL;
  watch(c, EPOLL_CTL_MOD, EPOLLIN);
  return true;
}

// ---- rows

// A row, and where it ends; −1: not known.
static void on_row(Client *c, int64_t end_ns, int64_t now_ns) {
  Group *g = &groups[c->role];
  uint64_t lost = 0;
  int64_t delay_ns = 0;
  if (end_ns >= 0) {
    if (c->last_end_ns != 0 && end_ns > c->last_end_ns + layout.stride_ns)
      lost = (uint64_t)((end_ns - c->last_end_ns) / layout.stride_ns - 1);
    c->last_end_ns = end_ns;
    delay_ns = now_ns - end_ns;
  }
  if (c->role == STEADY) {
    tick_rows++;
    tick_lost += lost;
    if (delay_ns > tick_max_ns) tick_max_ns = delay_ns;
  }
  if (!is_measuring) return;
  c->rows++;
  g->rows++;
  g->lost += lost;
  if (end_ns < 0) return;
  if (delay_ns > layout.stride_ns) g->late++;
  histogram_add(&g->latency, delay_ns);
}

static void on_message(Client *c, int64_t now_ns) {
  int64_t end_ns;
  MessageKind kind = message_kind(&c->stream.message, &layout, &c->stream, &end_ns);
  message_begin(&c->stream.message);
  if (kind == GAP_EVENT && is_measuring) groups[c->role].gaps++;
  if (end_ns >= 0 || kind == ROW) on_row(c, end_ns, now_ns);
}

// The bytes of a response's head; returns how many were taken.
static uint32_t take_head(Client *c, const uint8_t *from, uint32_t bytes) {
  static const char END[LINE_END] = "\r\n\r\n";
  Stream *s = &c->stream;
  if (!s->head) s->head = calloc(1, HEAD_BYTES_MAX + 1);
  for (uint32_t i = 0; i < bytes; i++) {
    if (s->head_used < HEAD_BYTES_MAX) s->head[s->head_used++] = (char)from[i];
    s->line_end = from[i] == END[s->line_end] ? (uint8_t)(s->line_end + 1) : from[i] == '\r';
    if (s->line_end < LINE_END) continue;
    s->status = (uint16_t)(strncmp(s->head, "HTTP/1.", 7) == 0 ? atoi(s->head + 9) : NO_HTTP_STATUS);
    bool is_chunked = strcasestr(s->head, "\r\ntransfer-encoding: chunked") != NULL;
    s->place = is_chunked ? IN_SIZE : IN_PLAIN;
    free(s->head);
    s->head = NULL;
    return i + 1;
  }
  return bytes;
}

static void take_body(Client *c, const uint8_t *from, uint32_t bytes, int64_t now_ns) {
  Message *m = &c->stream.message;
  // The last message of a chunk has come when the chunk has ended.
  bool ends_chunk = layout.format != FORMAT_RAW && bytes == c->stream.left;
  while (bytes > 0) {
    bool ends;
    uint32_t n = message_part(m, &layout, from, bytes, &ends);
    message_take(m, &layout, from, n);
    from += n;
    bytes -= n;
    if (ends && (bytes > 0 || !ends_chunk)) on_message(c, now_ns);
  }
}

// Takes what one recv brought. False when the stream is over.
static bool client_take(Client *c, const uint8_t *at, const uint8_t *end, int64_t now_ns) {
  Stream *s = &c->stream;
  while (at < end) {
    uint32_t bytes = (uint32_t)(end - at);
    switch (s->place) {
      case IN_HEAD:
        at += take_head(c, at, bytes);
        if (s->status != 0 && s->status != 200) return false;
        break;
      case IN_SIZE: {
        uint8_t b = *at++;
        uint8_t digit = b >= '0' && b <= '9' ? b - '0' : (b | 32) >= 'a' && (b | 32) <= 'f' ? (b | 32) - 'a' + 10 : 255;
        if (digit != 255) {
          s->left = s->left << 4 | digit;
          break;
        }
        s->place = IN_EXTENSION;
        at--;
        break;
      }
      case IN_EXTENSION:
        if (*at++ != '\n') break;
        if (s->left == 0) s->place = AT_END;
        else s->place = IN_BODY;
        if (layout.format != FORMAT_RAW) message_begin(&s->message);
        break;
      case IN_BODY: {
        uint32_t n = s->left < bytes ? s->left : bytes;
        take_body(c, at, n, now_ns);
        at += n;
        s->left -= n;
        if (s->left > 0) break;
        s->place = AFTER_BODY;
        s->line_end = 2;
        break;
      }
      case AFTER_BODY:
        at++;
        if (--s->line_end > 0) break;
        s->place = IN_SIZE;
        if (layout.format != FORMAT_RAW && s->message.at > 0) on_message(c, now_ns);
        break;
      case IN_PLAIN:
        if (layout.format != FORMAT_RAW) die("the body is not chunked: only --format raw can read it");
        take_body(c, at, bytes, now_ns);
        at = end;
        break;
      case AT_END:
        return false;
    }
  }
  return s->place != AT_END;
}

// ---- Arrow Flight

static void on_flight_message(Client *c, const uint8_t *from, uint32_t kept, int64_t now_ns) {
  static FlightMessage m;
  if (!read_flight_data(from, kept, c->flight->message_bytes, &m))
    die("a message of %u bytes is no FlightData, or has its rows' times too far behind", c->flight->message_bytes);
  if (m.has_metadata && is_measuring) groups[c->role].gaps++;
  // The next row finds that those with nulls are missing.
  if (m.nulls > 0) return;
  for (uint32_t i = 0; i < m.rows; i++) {
    int64_t time_ns;
    memcpy(&time_ns, m.times + 8 * i, 8);
    if (time_ns <= 0) die("a row has the time %ld", time_ns);
    int64_t end_ns = time_ns + layout.stride_ns;
    if (end_ns > c->last_end_ns) on_row(c, end_ns, now_ns);
  }
}

// Bytes of the messages, in their frames of gRPC.
static void take_messages(Client *c, const uint8_t *at, uint32_t bytes, int64_t now_ns) {
  Flight *f = c->flight;
  const uint8_t *end = at + bytes;
  while (at < end) {
    if (f->prefix_used < GRPC_PREFIX_BYTES) {
      f->prefix[f->prefix_used++] = *at++;
      if (f->prefix_used < GRPC_PREFIX_BYTES) continue;
      if (f->prefix[0] != 0) die("messages are packed");
      f->message_bytes = f->message_left = 0;
      for (int i = 1; i < GRPC_PREFIX_BYTES; i++) f->message_left = f->message_left << 8 | f->prefix[i];
      f->message_bytes = f->message_left;
    }
    uint32_t n = (uint32_t)(end - at) < f->message_left ? (uint32_t)(end - at) : f->message_left;
    uint32_t had = f->message_bytes - f->message_left;
    f->message_left -= n;
    if (f->message_left == 0 && had == 0) {
      f->prefix_used = 0;
      on_flight_message(c, at, n, now_ns);
    } else {
      if (had < START_BYTES) memcpy(f->start + had, at, START_BYTES - had < n ? START_BYTES - had : n);
      if (f->message_left == 0) {
        f->prefix_used = 0;
        on_flight_message(c, f->start, f->message_bytes < START_BYTES ? f->message_bytes : START_BYTES, now_ns);
      }
    }
    at += n;
  }
}

// A whole frame that holds no row. False when the stream is over.
static bool on_control_frame(Client *c, uint8_t type, uint8_t flags) {
  Flight *f = c->flight;
  uint8_t answer[FRAME_HEAD_BYTES + CONTROL_BYTES], *end = answer;
  switch (type) {
    case HEADERS:
      c->stream.status = f->has_head || !(flags & END_STREAM) ? 200 : NO_HTTP_STATUS;
      f->has_head = true;
      return !(flags & END_STREAM);
    case RST_STREAM:
    case GOAWAY:
      return false;
    case SETTINGS:
      if (!(flags & ACK)) end = put_frame(answer, 0, SETTINGS, ACK, 0);
      break;
    case PING:
      if (flags & ACK) break;
      end = put_frame(answer, CONTROL_BYTES, PING, ACK, 0);
      memcpy(end, f->control, CONTROL_BYTES);
      end += CONTROL_BYTES;
      break;
  }
  return end == answer || send(c->fd, answer, (size_t)(end - answer), MSG_NOSIGNAL) == end - answer;
}

// Refills the windows with what was read.
static bool refill(Client *c) {
  Flight *f = c->flight;
  if (f->used_bytes < REFILL_BYTES) return true;
  uint8_t frames[2 * (FRAME_HEAD_BYTES + 4)], *end = frames;
  for (uint32_t stream = 0; stream < 2; stream++)
    end = put_u32(put_frame(end, 4, WINDOW_UPDATE, 0, stream), f->used_bytes);
  f->used_bytes = 0;
  return send(c->fd, frames, sizeof frames, MSG_NOSIGNAL) == sizeof frames;
}

// As client_take(), of HTTP/2.
static bool flight_take(Client *c, const uint8_t *at, const uint8_t *end, int64_t now_ns) {
  Flight *f = c->flight;
  // A frame may have no payload.
  while (at < end || (f->head_used == FRAME_HEAD_BYTES && f->frame_left == 0)) {
    if (f->head_used < FRAME_HEAD_BYTES) {
      f->head[f->head_used++] = *at++;
      if (f->head_used < FRAME_HEAD_BYTES) continue;
      f->frame_left = (uint32_t)f->head[0] << 16 | (uint32_t)f->head[1] << 8 | f->head[2];
      f->control_used = 0;
      if (f->head[3] == DATA && f->head[4] & PADDED) die("frames are padded");
    }
    uint32_t n = (uint32_t)(end - at) < f->frame_left ? (uint32_t)(end - at) : f->frame_left;
    uint8_t type = f->head[3], flags = f->head[4];
    if (type == DATA) {
      take_messages(c, at, n, now_ns);
      f->used_bytes += n;
    } else if (f->control_used < CONTROL_BYTES) {
      uint32_t kept = CONTROL_BYTES - f->control_used < n ? CONTROL_BYTES - f->control_used : n;
      memcpy(f->control + f->control_used, at, kept);
      f->control_used += kept;
    }
    at += n;
    f->frame_left -= n;
    if (f->frame_left > 0) continue;
    f->head_used = 0;
    if (type == DATA ? flags & END_STREAM : !on_control_frame(c, type, flags)) return false;
  }
  return refill(c);
}

static void client_attached(Client *c) {
  c->is_attached = true;
  attached_count++;
  if (c->generation == 0) {
    first_attached++;
    histogram_add(&attach_times, clock_ns(CLOCK_MONOTONIC) - c->begun_ns);
  }
}

static void on_event(Client *c, uint32_t events) {
  if (c->fd < 0) return;
  bool goes_on = true;
  if (c->unsent && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) goes_on = client_send(c);
  if (c->is_stalled && events & (EPOLLERR | EPOLLHUP)) goes_on = false;
  else if (!c->unsent && !c->is_stalled) {
    ssize_t bytes = recv(c->fd, buffer, BUFFER_BYTES, 0);
    if (bytes > 0) {
      int64_t now_ns = clock_ns(CLOCK_REALTIME) + options.clock_offset_ns;
      if (is_measuring) groups[c->role].bytes += (uint64_t)bytes;
      goes_on = c->flight ? flight_take(c, buffer, buffer + bytes, now_ns)
                          : client_take(c, buffer, buffer + bytes, now_ns);
      if (!c->is_attached && c->stream.status == 200) client_attached(c);
    } else if (bytes == 0 || errno != EAGAIN) goes_on = false;
  }
  if (!goes_on) client_lost(c, clock_ns(CLOCK_MONOTONIC));
}

// ---- those who come, go and stall

static void sweep(int64_t mono_ns, int64_t attached_ns) {
  static int64_t last_ns;
  static double leaving;
  if (mono_ns - last_ns < SWEEP_NS) return;
  if (last_ns != 0) leaving += options.churn * (double)(mono_ns - last_ns) / 1e9;
  last_ns = mono_ns;
  if (attached_ns == 0) return;
  uint32_t churn_from = options.clients, churn_to = options.clients;
  for (uint32_t i = options.clients; i-- > 0 && clients[i].role != STEADY;) {
    Client *c = &clients[i];
    if (c->role == CHURN) churn_from = i;
    else churn_to = i;
    if (c->fd < 0) {
      if (c->again_ns != 0 && c->again_ns <= mono_ns) client_open(c);
      continue;
    }
    if (c->role != STALL || !c->is_attached) continue;
    int64_t for_ns = (int64_t)(options.stall_for * 1e9);
    // In turns, each client at a phase of its own.
    bool stalls = for_ns == 0 || ((mono_ns + (int64_t)i * 7919 * 1000003) / for_ns) % 2 == 0;
    if (stalls == c->is_stalled) continue;
    c->is_stalled = stalls;
    watch(c, EPOLL_CTL_MOD, stalls ? 0 : EPOLLIN);
  }
  while (leaving >= 1) {
    leaving -= 1;
    if (churn_from >= churn_to) continue;
    Client *c = &clients[churn_from + (uint32_t)random() % (churn_to - churn_from)];
    if (!c->is_attached) continue;
    client_close(c, random() & 1);
    client_open(c);
  }
}

// ---- what is printed

static int by_rows(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

static void print_group(Role role, double seconds, int64_t now_ns) {
  const Group *g = &groups[role];
  uint32_t *rows = calloc(options.clients + 1, sizeof *rows), count = 0, behind = 0;
  uint64_t overdue = 0;
  for (uint32_t i = 0; i < options.clients; i++) {
    Client *c = &clients[i];
    if (c->role != role) continue;
    rows[count++] = c->rows;
    // A row that was due more than a stride ago and is not there.
    if (c->last_end_ns == 0 || now_ns - c->last_end_ns <= 2 * layout.stride_ns) continue;
    behind++;
    overdue += (uint64_t)((now_ns - c->last_end_ns) / layout.stride_ns - 1);
  }
  qsort(rows, count, sizeof *rows, by_rows);
  const Histogram *h = &g->latency;
  printf("\"%s\":{\"clients\":%u,\"rows\":%lu,\"lost\":%lu,\"gaps\":%lu,\"late\":%lu,\"behind\":%u,\"overdue\":%lu,"
         "\"ended\":%lu,\"bytes\":%lu,\"rowsPerSecond\":{\"min\":%.3f,\"median\":%.3f},"
         "\"latencyMs\":{\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"max\":%.3f}}",
         ROLE_NAMES[role], count, g->rows, g->lost, g->gaps, g->late, behind, overdue, g->ended, g->bytes,
         count ? rows[0] / seconds : 0, count ? rows[count / 2] / seconds : 0, histogram_at(h, 0.5) / 1e6,
         histogram_at(h, 0.99) / 1e6, histogram_at(h, 0.999) / 1e6, (double)h->max / 1e6);
  free(rows);
}

static void print_tick(void) {
  printf("tick {\"unixMs\":%ld,\"rows\":%lu,\"lost\":%lu,\"maxMs\":%.3f,\"open\":%u,\"attached\":%u,\"refused\":%u,"
         "\"ended\":%lu}\n",
         clock_ns(CLOCK_REALTIME) / 1000000, tick_rows, tick_lost, (double)tick_max_ns / 1e6, open_count, attached_count,
         refused_count, groups[STEADY].ended);
  fflush(stdout);
  tick_rows = tick_lost = 0;
  tick_max_ns = 0;
}

// ---- the run

static void stop(int signal) {
  (void)signal;
  is_stopped = 1;
}

static double number(const char *text, const char *name, double min, double max) {
  char *end;
  double value = strtod(text, &end);
  if (*end != 0 || end == text || !(value >= min && value <= max))
    die("%s must be a number from %g to %g, not '%s'", name, min, max, text);
  return value;
}

static void read_options(int count, char **args) {
  for (int i = 1; i < count; i++) {
    const char *name = args[i];
    if (strcmp(name, "--storm") == 0) {
      options.is_storm = true;
      continue;
    }
    const char *value = ++i < count ? args[i] : NULL;
    if (!value) die("%s needs a value, or is no option; the head of reader.c lists them", name);
#define NUMBER(flag, target, min, max) \
  if (strcmp(name, flag) == 0) { target = (__typeof__(target))number(value, flag, min, max); continue; }
    NUMBER("--port", options.port, 1, 65535)
    NUMBER("--clients", options.clients, 1, CLIENTS_MAX)
    NUMBER("--stride-ns", layout.stride_ns, 1, 1e12)
    NUMBER("--frame-bytes", layout.frame_bytes, 1, 1 << 24)
    NUMBER("--time-at", layout.time_at, 0, PREFIX_BYTES - 20)
    NUMBER("--rate", options.rate, 1, 1e6)
    NUMBER("--attach-seconds", options.attach_seconds, 1, 600)
    NUMBER("--settle", options.settle, 0, 600)
    NUMBER("--seconds", options.seconds, 0.1, SECONDS_MAX)
    NUMBER("--tick-ms", options.tick_ms, 0, 60000)
    NUMBER("--churn", options.churn, 0, 10000)
    NUMBER("--churn-part", options.churn_part, 0, 1)
    NUMBER("--stall", options.stall, 0, 1)
    NUMBER("--stall-for", options.stall_for, 0, SECONDS_MAX)
    NUMBER("--stall-rcvbuf", options.stall_rcvbuf, 1, 1 << 24)
    NUMBER("--pause-us", options.pause_us, 0, 100000)
    if (strcmp(name, "--requests") == 0) options.requests = value;
    else if (strcmp(name, "--gps-minus-unix-ns") == 0) options.clock_offset_ns = strtoll(value, NULL, 10);
    else if (strcmp(name, "--host") == 0) {
      if (strcmp(value, "127.0.0.1") != 0) die("only 127.0.0.1 is read, not %s", value);
    } else if (strcmp(name, "--format") == 0)
      layout.format = strcmp(value, "events") == 0  ? FORMAT_EVENTS
                      : strcmp(value, "arrow") == 0 ? FORMAT_ARROW
                      : strcmp(value, "raw") == 0   ? FORMAT_RAW
                      : strcmp(value, "flight") == 0
                          ? FORMAT_FLIGHT
                          : (die("--format is events, arrow, raw or flight, not %s", value), FORMAT_RAW);
    else if (strcmp(name, "--time") == 0)
      layout.time_kind = strcmp(value, "text") == 0    ? TIME_TEXT
                         : strcmp(value, "int64") == 0 ? TIME_INT64
                         : strcmp(value, "none") == 0  ? TIME_NONE
                                                       : (die("--time is text, int64 or none, not %s", value), TIME_NONE);
    else die("unknown option %s; the head of reader.c lists them", name);
  }
  if (options.port == 0 || options.clients == 0 || !options.requests) die("--port, --clients and --requests are needed");
  if (layout.format == FORMAT_RAW && layout.frame_bytes <= layout.time_at + 8) die("--format raw needs --frame-bytes");
}

int main(int count, char **args) {
  read_options(count, args);
  read_requests();
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  double all_seconds = options.attach_seconds + options.settle + options.seconds;
  alarm((unsigned)all_seconds + 60); // should anything below hang
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < options.clients + 64) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < options.clients + 64) die("at most %lu files may be open", files.rlim_cur);
  }
  poller = epoll_create1(EPOLL_CLOEXEC);
  clients = calloc(options.clients, sizeof *clients);
  uint32_t stalls = (uint32_t)(options.stall * options.clients + 0.5);
  uint32_t churns = options.churn > 0 ? (uint32_t)(options.churn_part * (options.clients - stalls) + 0.5) : 0;
  for (uint32_t i = 0; i < options.clients; i++) {
    clients[i].fd = -1;
    clients[i].index = i;
    clients[i].role = i >= options.clients - stalls            ? STALL
                      : i >= options.clients - stalls - churns ? CHURN
                                                               : STEADY;
  }
  static struct epoll_event events[EVENTS_MAX];
  int64_t start_ns = clock_ns(CLOCK_MONOTONIC), attached_ns = 0, window_ns = 0, mono_ns = start_ns;
  int64_t tick_ns = start_ns;
  uint32_t opened = 0;
  struct rusage before = {0}, after;
  while (!is_stopped) {
    mono_ns = clock_ns(CLOCK_MONOTONIC);
    double elapsed = (double)(mono_ns - start_ns) / 1e9;
    uint32_t due = options.clients;
    if (!options.is_storm && elapsed * options.rate + 1 < due) due = (uint32_t)(elapsed * options.rate) + 1;
    while (opened < due) client_open(&clients[opened++]);
    bool all_there = opened == options.clients && first_attached + refused_count >= options.clients;
    if (attached_ns == 0 && (all_there || elapsed > options.attach_seconds + options.clients / options.rate)) {
      attached_ns = mono_ns;
      printf("attached {\"clients\":%u,\"refused\":%u,\"afterMs\":%.1f,\"firstByteMs\":{\"p50\":%.2f,\"p99\":%.2f,"
             "\"max\":%.2f}}\n",
             attached_count, refused_count, elapsed * 1000, histogram_at(&attach_times, 0.5) / 1e6,
             histogram_at(&attach_times, 0.99) / 1e6, (double)attach_times.max / 1e6);
      fflush(stdout);
    }
    if (window_ns == 0 && attached_ns != 0 && mono_ns - attached_ns >= (int64_t)(options.settle * 1e9)) {
      window_ns = mono_ns;
      is_measuring = true;
      getrusage(RUSAGE_SELF, &before);
      printf("measuring {\"clients\":%u}\n", attached_count);
      fflush(stdout);
    }
    if (window_ns != 0 && mono_ns - window_ns >= (int64_t)(options.seconds * 1e9)) break;
    if (options.tick_ms > 0 && mono_ns - tick_ns >= options.tick_ms * 1000000ll) {
      print_tick();
      tick_ns = mono_ns;
    }
    sweep(mono_ns, attached_ns);
    int n = epoll_wait(poller, events, EVENTS_MAX, opened < options.clients ? 1 : 10);
    for (int i = 0; i < n; i++) on_event(events[i].data.ptr, events[i].events);
    if (options.pause_us > 0 && n < EVENTS_MAX) usleep((useconds_t)options.pause_us);
  }
  // Asked to end: what has come already counts.
  for (int round = 0, n = 1; is_stopped && n > 0 && round < 100; round++) {
    n = epoll_wait(poller, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++) on_event(events[i].data.ptr, events[i].events);
  }
  double seconds = window_ns ? (double)(mono_ns - window_ns) / 1e9 : 0;
  getrusage(RUSAGE_SELF, &after);
  int64_t now_ns = clock_ns(CLOCK_REALTIME) + options.clock_offset_ns;
  printf("measured\n{\"clients\":%u,\"attached\":%u,\"refused\":%u,\"refusedStatus\":%u,\"seconds\":%.4f,"
         "\"cpuSeconds\":{\"user\":%.3f,\"system\":%.3f},",
         options.clients, attached_count, refused_count, refused_status, seconds,
         cpu_seconds(&after.ru_utime) - cpu_seconds(&before.ru_utime),
         cpu_seconds(&after.ru_stime) - cpu_seconds(&before.ru_stime));
  for (Role role = STEADY; role < ROLES; role++) {
    print_group(role, seconds > 0 ? seconds : 1, now_ns);
    printf(role + 1 < ROLES ? "," : "}\n");
  }
  fflush(stdout);
  for (uint32_t i = 0; i < options.clients; i++) client_close(&clients[i], false);
  return 0;
}
