# qanat_client as a source of gwpy: ranges by name and by time, and a live generator. Prints {"samples", "live"}.
import json
import sys

sys.path.insert(0, "clients/python/src")
import numpy
import qanat_client.gwpy
from gwpy.timeseries import TimeSeries, TimeSeriesDict


def main():
    url, name, start = sys.argv[1], sys.argv[2], float(sys.argv[3])
    series = TimeSeries.get(name, start, start + 2.5, source="qanat", url=url)
    assert (float(series.t0.value), float(series.duration.value)) == (start, 2.5)
    block = qanat_client.Client(url).fetch(name, start, start + 2.5)
    assert series.value.tobytes() == block[name].array.tobytes() and series.dtype == block[name].dtype
    series_dict = TimeSeriesDict.get([name], start, start + 1, url=url)
    # Bytes, since a NaN does not equal itself.
    assert series_dict[name].value.tobytes() == series.crop(start, start + 1).value.tobytes()
    # The server would take these as times before now.
    for early in ("1970-01-01", -60):
        try:
            qanat_client.gwpy.fetch_one(name, early, start, url=url)
        except ValueError as error:
            assert "before GPS time 0" in str(error), error
        else:
            raise AssertionError(f"{early} was taken")
    live = []
    for item in qanat_client.gwpy.stream([name], url=url):
        live.append(item[name])
        if len(live) == 3:
            break
    for before, after in zip(live, live[1:]):
        assert numpy.isclose(float(before.span[1]), float(after.span[0]))
    print(json.dumps({"samples": len(series), "live": len(live)}))


main()
