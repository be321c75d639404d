// Latencies in buckets of about 1 % width. Invariant: adding one is a shift and an increment; nothing is allocated.
#ifndef QANAT_HISTOGRAM_H
#define QANAT_HISTOGRAM_H
#include <stdint.h>

// Values below 128 ns have a bucket each; above, each power of two is cut in 128.
#define SUB_BITS 7
#define SUB (1 << SUB_BITS)
#define OCTAVES 34 // up to 2^41 ns, 36 minutes
#define BUCKETS (SUB * (OCTAVES + 1))

typedef struct {
  uint64_t counts[BUCKETS];
  uint64_t total;
  uint64_t max;
} Histogram;

static inline void histogram_add(Histogram *h, int64_t ns) {
  uint64_t v = ns < 0 ? 0 : (uint64_t)ns;
  int shift = v < SUB ? 0 : 63 - __builtin_clzll(v) - SUB_BITS;
  uint64_t index = ((uint64_t)shift << SUB_BITS) + (v >> shift);
  if (index >= BUCKETS) index = BUCKETS - 1;
  h->counts[index]++;
  h->total++;
  if (v > h->max) h->max = v;
}

// The middle of the bucket that holds this share of all, ns.
static double histogram_at(const Histogram *h, double share) {
  if (h->total == 0) return 0;
  uint64_t rank = (uint64_t)(share * (double)h->total);
  if (rank >= h->total) rank = h->total - 1;
  uint64_t seen = 0;
  for (int i = 0; i < BUCKETS; i++) {
    seen += h->counts[i];
    if (seen <= rank) continue;
    if (i < 2 * SUB) return i;
    int shift = (i >> SUB_BITS) - 1;
    double low = (double)((uint64_t)(SUB + (i & (SUB - 1))) << shift);
    double middle = low + (double)(1ull << shift) / 2;
    return middle < (double)h->max ? middle : (double)h->max;
  }
  return (double)h->max;
}
#endif
