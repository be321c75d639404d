# Reads a live stream with qanat_client for some seconds, while the test restarts the server, and prints
# {"blocks", "masked"}. Fails where the blocks do not follow each other. Prints "reading" after the first block.
import json
import sys


sys.path.insert(0, "clients/python/src")
import qanat_client


def main():
    url, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    blocks = masked = 0
    end_ns = None
    for block in qanat_client.Client(url).stream([name], duration=seconds):
        if end_ns is None:
            print("reading", flush=True)
        assert end_ns is None or block.time_ns == end_ns, f"{block.time_ns} follows {end_ns}"
        end_ns = block.end_ns
        blocks += 1
        masked += block.has_gaps
    print(json.dumps({"blocks": blocks, "masked": masked}))


main()
