// The lower limit of the cost of sending: one thread that writes one shared buffer to N sockets and does nothing else.
// Invariant: one non-blocking send() per socket and tick; 127.0.0.1 only; limits on sockets and seconds.
//
//   cc -O2 -std=c11 -o floor floor.c
//   floor PORT BODY_BYTES RATE_HZ SECONDS
//
// Answers any GET with a chunked HTTP/1.1 response; then each tick sends one chunk, laid out as src/frames/frame.ts:
//   byte offset 0   8  bytes of the body, hexadecimal, leading zeros
//               8   2  CRLF
//              10   n  body: int64 little-endian Unix ns of the tick, then filler
//            10+n   2  CRLF
// Prints {"listening"} when it listens, and at the end its own CPU and what it sent.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  SOCKETS_MAX = 20000,
  SECONDS_MAX = 600,
  BODY_MAX = 1 << 20,
  HEAD_BYTES = 10,
  TAIL_BYTES = 2,
  BACKLOG = 4096,
  EVENTS_MAX = 256,
};

static const char RESPONSE[] = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n"
                               "transfer-encoding: chunked\r\n\r\n";

// Sockets that asked and are answered lie in `open_fds[0..open_count)`; `place_of[fd]` is where, or -1.
static int open_fds[SOCKETS_MAX];
static int open_count;
static int place_of[SOCKETS_MAX + 64];

static uint64_t frames, refused, broken, ticks, ticks_late;

static int64_t now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long number(const char *text, const char *name, long max) {
  char *end;
  long value = strtol(text, &end, 10);
  if (*end != 0 || value < 1 || value > max) {
    fprintf(stderr, "%s must be a whole number from 1 to %ld, not '%s'\n", name, max, text);
    exit(2);
  }
  return value;
}

static int listen_on(long port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket");
  int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
  if (listen(fd, BACKLOG) < 0) fail("listen");
  return fd;
}

static void drop(int fd) {
  int place = place_of[fd];
  if (place >= 0) {
    int last = open_fds[--open_count];
    open_fds[place] = last;
    place_of[last] = place;
    place_of[fd] = -1;
  }
  close(fd);
}

static void accept_all(int listener, int poll) {
  for (;;) {
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0) return;
    if (fd >= SOCKETS_MAX) {
      close(fd);
      continue;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    place_of[fd] = -1;
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.fd = fd};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) < 0) fail("epoll_ctl");
  }
}

// The request is read away unparsed: a GET of one of our own readers fits one segment.
static void take_request(int fd) {
  char request[8192];
  ssize_t bytes = recv(fd, request, sizeof request, 0);
  if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (bytes <= 0) {
    drop(fd);
    return;
  }
  if (place_of[fd] >= 0) return;
  if (send(fd, RESPONSE, sizeof RESPONSE - 1, MSG_NOSIGNAL) != (ssize_t)sizeof RESPONSE - 1) {
    drop(fd);
    return;
  }
  place_of[fd] = open_count;
  open_fds[open_count++] = fd;
}

static void tick(uint8_t *chunk, size_t bytes) {
  int64_t unix_ns = now_ns(CLOCK_REALTIME);
  memcpy(chunk + HEAD_BYTES, &unix_ns, sizeof unix_ns);
  // Backwards, since drop() moves the last one into the hole.
  for (int i = open_count - 1; i >= 0; i--) {
    ssize_t sent = send(open_fds[i], chunk, bytes, MSG_NOSIGNAL);
    if (sent == (ssize_t)bytes) frames++;
    else if (sent < 0 && errno == EAGAIN) refused++;
    else {
      broken++; // the rest of a chunk is not kept: this is a floor, not a server
      drop(open_fds[i]);
    }
  }
}

static double cpu_seconds(void) {
  struct rusage use;
  getrusage(RUSAGE_SELF, &use);
  return use.ru_utime.tv_sec + use.ru_stime.tv_sec + (use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static volatile sig_atomic_t is_over;
static void stop(int signal) {
  (void)signal;
  is_over = 1;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "floor PORT BODY_BYTES RATE_HZ SECONDS\n");
    return 2;
  }
  long port = number(argv[1], "PORT", 65535);
  long body_bytes = number(argv[2], "BODY_BYTES", BODY_MAX);
  long rate_hz = number(argv[3], "RATE_HZ", 1000);
  long seconds = number(argv[4], "SECONDS", SECONDS_MAX);
  if (body_bytes < 8) body_bytes = 8;
  signal(SIGTERM, stop);
  signal(SIGINT, stop);

  size_t chunk_bytes = HEAD_BYTES + (size_t)body_bytes + TAIL_BYTES;
  uint8_t *chunk = malloc(chunk_bytes + 1);
  if (chunk == NULL) fail("malloc");
  snprintf((char *)chunk, HEAD_BYTES + 1, "%08x\r\n", (unsigned)body_bytes);
  memset(chunk + HEAD_BYTES, 'q', (size_t)body_bytes);
  memcpy(chunk + HEAD_BYTES + body_bytes, "\r\n", TAIL_BYTES);

  int poll = epoll_create1(0);
  if (poll < 0) fail("epoll_create1");
  int listener = listen_on(port);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
  if (epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) < 0) fail("epoll_ctl");
  printf("{\"listening\": %ld}\n", port);
  fflush(stdout);

  const int64_t period_ns = 1000000000 / rate_hz;
  const int64_t begin_ns = now_ns(CLOCK_MONOTONIC);
  const int64_t end_ns = begin_ns + seconds * 1000000000;
  int64_t due_ns = begin_ns + period_ns;
  struct epoll_event events[EVENTS_MAX];
  while (!is_over) {
    int64_t now = now_ns(CLOCK_MONOTONIC);
    if (now >= end_ns) break;
    if (now >= due_ns) {
      tick(chunk, chunk_bytes);
      ticks++;
      due_ns += period_ns;
      if (due_ns <= now_ns(CLOCK_MONOTONIC)) ticks_late++;
      continue;
    }
    int wait_ms = (int)((due_ns - now + 999999) / 1000000);
    int count = epoll_wait(poll, events, EVENTS_MAX, wait_ms);
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) accept_all(listener, poll);
      else if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) drop(fd);
      else take_request(fd);
    }
  }
  double cpu = cpu_seconds();
  printf("{\"frames\": %llu, \"refused\": %llu, \"broken\": %llu, \"ticks\": %llu, \"ticksLate\": %llu, "
         "\"chunkBytes\": %zu, \"cpuSeconds\": %.3f, \"cpuMicrosPerFrame\": %.4f}\n",
         (unsigned long long)frames, (unsigned long long)refused, (unsigned long long)broken,
         (unsigned long long)ticks, (unsigned long long)ticks_late, chunk_bytes, cpu,
         frames > 0 ? cpu * 1e6 / (double)frames : 0.0);
  free(chunk);
  return 0;
}
