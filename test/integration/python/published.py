# Reads back what publisher.py says it published (its layout is drawn there).
# Invariant: samples are compared bit for bit; one that was not published is masked.
import json
import mmap
import os

import numpy

SECOND = 1_000_000_000


class Published:
    """The record that one publisher keeps; it grows while the publisher runs."""

    def __init__(self, directory):
        with open(os.path.join(directory, "published.json")) as header:
            found = json.load(header)
        self.stride_ns = int(found["strideNs"])
        self.block_bytes = found["blockBytes"]
        self.channels = {channel["name"]: (i, channel) for i, channel in enumerate(found["channels"])}
        self._path = os.path.join(directory, "published.bin")
        self._offsets = {}
        self._seen = 0

    def series(self, name, time_ns, count):
        """The samples of a channel from a time on, and their mask. None where the time is between two samples."""
        index, channel = self.channels[name]
        rate = channel["sampleRate"]
        with open(self._path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as record:
            self._read_times(record)
            data = numpy.zeros(count, numpy.dtype(channel["dataType"]))
            mask = numpy.ones(count, bool)
            done = 0
            while done < count:
                at_ns = time_ns + done * SECOND // rate
                block_ns = at_ns // self.stride_ns * self.stride_ns
                skipped, between = divmod((at_ns - block_ns) * rate, SECOND)
                if between:
                    return None
                part = min(channel["samples"] - skipped, count - done)
                offset = self._offsets.get(block_ns)
                if offset is not None and record[offset + 8 + index]:
                    start = offset + channel["byteOffset"] + skipped * data.itemsize
                    data[done : done + part] = numpy.frombuffer(record, data.dtype, part, start)
                    mask[done : done + part] = False
                done += part
        return numpy.ma.masked_array(data, mask)

    def _read_times(self, record):
        end = len(record) // self.block_bytes * self.block_bytes
        for offset in range(self._seen, end, self.block_bytes):
            self._offsets[int.from_bytes(record[offset : offset + 8], "little")] = offset
        self._seen = end
