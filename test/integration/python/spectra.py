# Spectra by scipy, to compare those of the page with.
#
# spectra.py FILE: the file is JSON, {"rate", "x", "y", "cases": [{"window", "size", "length", "average", "alpha"}]}.
# Prints a line of JSON: for each case {"case", "xx", "yy", "re", "im", "coherence"}, each a list over frequency.
import json
import sys

import numpy
from scipy import signal

NAMES = {"rectangular": "boxcar"}


def segments_of(values, case):
    step = case["size"] - case["size"] // 2
    return [values[at : at + case["size"]] for at in range(0, len(values) - case["size"] + 1, step)]


def exponential(x, y, case, options):
    """The mean of the first 1 / alpha segments, then each new one with the weight alpha."""
    mean = 0
    for count, (one, other) in enumerate(zip(segments_of(x, case), segments_of(y, case)), 1):
        _, density = signal.csd(one, other, **options)
        mean = mean + (density - mean) * max(1 / count, case["alpha"])
    return mean


def spectra_of(x, y, rate, case):
    window = NAMES.get(case["window"], case["window"])
    options = {"fs": rate, "window": window, "nperseg": case["size"], "nfft": case["length"]}
    average = case["average"]
    if average == "exponential":
        xx, yy = exponential(x, x, case, options).real, exponential(y, y, case, options).real
        xy = exponential(x, y, case, options)
        coherence = abs(xy) ** 2 / (xx * yy)
    else:
        xx = signal.welch(x, average=average, **options)[1]
        yy = signal.welch(y, average=average, **options)[1]
        xy = signal.csd(x, y, average=average, **options)[1]
        coherence = signal.coherence(x, y, **options)[1]
    parts = {"xx": xx, "yy": yy, "re": xy.real, "im": xy.imag, "coherence": coherence}
    return {"case": case, **{name: [float(v) for v in values] for name, values in parts.items()}}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        given = json.load(file)
    x, y = numpy.array(given["x"]), numpy.array(given["y"])
    print(json.dumps([spectra_of(x, y, given["rate"], case) for case in given["cases"]]))


main()
