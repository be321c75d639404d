# The same channels and range from Arrakis's own client and from Qanat's /v1/arrow: prints {"rows", "nulls", "samples"}
# when all of it is equal, and fails with the first difference otherwise.
# Invariant: samples are compared bit for bit; what is masked in one is null in the other.
import argparse
import json
import threading
import urllib.parse
import warnings

warnings.simplefilter("ignore")
import numpy
import pyarrow
import requests
from arrakis import Client, schemas


def of_arrakis(url, names, start, end, duration):
    rows = {}
    for block in Client(url, token=False).stream(names, start=start, end=end, duration=duration):
        columns = {}
        for name in names:
            series = numpy.ma.asarray(block[name].data)
            columns[name] = (numpy.ma.getmaskarray(series), numpy.ma.getdata(series))
        assert block.time_ns not in rows, f"Arrakis gave {block.time_ns} twice"
        rows[block.time_ns] = columns
    return rows


def of_qanat(url, names, start, end, duration):
    query = {"channels": ",".join(names), "start": start, "end": end, "duration": duration}
    query = {key: value for key, value in query.items() if value is not None}
    rows = {}
    last = 0
    with requests.get(f"{url}/v1/arrow?{urllib.parse.urlencode(query)}", stream=True, timeout=60) as response:
        assert response.status_code == 200, response.text
        reader = pyarrow.ipc.open_stream(response.raw)
        for batch in reader:
            batch.validate(full=True)
            for row in range(batch.num_rows):
                time_ns = batch.column("time")[row].as_py()
                assert time_ns > last, f"Qanat gave {time_ns} after {last}"
                last = time_ns
                rows[time_ns] = {name: samples(batch.column(name)[row]) for name in names}
        return rows, reader.schema


def samples(scalar):
    if not scalar.is_valid:
        return None
    values = scalar.values
    mask = values.is_null().to_numpy(zero_copy_only=False)
    return mask, values.fill_null(0).to_numpy(zero_copy_only=False)


def compare(arrakis, qanat, names, times):
    nulls = count = 0
    for time_ns in times:
        for name in names:
            mask, data = arrakis[time_ns][name]
            got = qanat[time_ns][name]
            if got is None:
                assert mask.all(), f"{name} at {time_ns}: null in Qanat, {data[:4]} in Arrakis"
                nulls += 1
                continue
            assert (mask == got[0]).all(), f"{name} at {time_ns}: masked {mask} in Arrakis, {got[0]} in Qanat"
            nulls += bool(mask.any())
            assert data.dtype == got[1].dtype, f"{name}: {data.dtype} in Arrakis, {got[1].dtype} in Qanat"
            same = data[~mask].tobytes() == got[1][~mask].tobytes()
            assert same, f"{name} at {time_ns}: {data} in Arrakis, {got[1]} in Qanat"
            count += len(data)
    return nulls, count


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrakis", required=True)
    parser.add_argument("--qanat", required=True)
    parser.add_argument("--channels", required=True)
    parser.add_argument("--start", type=float)
    parser.add_argument("--end", type=float)
    parser.add_argument("--duration", type=float)
    args = parser.parse_args()
    names = sorted(args.channels.split(","))
    span = (args.start, args.end, args.duration)
    answers = {}

    def ask(key, call):
        try:
            answers[key] = call()
        except BaseException as error:
            answers[key] = error

    threads = [
        threading.Thread(target=ask, args=("arrakis", lambda: of_arrakis(args.arrakis, names, *span))),
        threading.Thread(target=ask, args=("qanat", lambda: of_qanat(args.qanat, names, *span))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers.values():
        if isinstance(answer, BaseException):
            raise answer
    arrakis, (qanat, schema) = answers["arrakis"], answers["qanat"]
    wanted = schemas.stream(Client(args.arrakis, token=False).describe(names).values())
    for ours, theirs in zip(schema, wanted, strict=True):
        assert (ours.name, ours.type, ours.metadata) == (theirs.name, theirs.type, theirs.metadata), (ours, theirs)
    times = sorted(set(arrakis) & set(qanat))
    assert times, f"no time in common: {sorted(arrakis)[:3]} {sorted(qanat)[:3]}"
    if args.start is not None:
        only = sorted(set(arrakis) ^ set(qanat))
        assert not only, f"of {len(times)} times, only in one: {only[:5]} (Arrakis {len(arrakis)}, Qanat {len(qanat)})"
    else:
        inside = [t for t in {*arrakis, *qanat} if times[0] <= t <= times[-1]]
        assert len(inside) == len(times), "live: a time inside is missing in one"
    nulls, count = compare(arrakis, qanat, names, times)
    print(json.dumps({"rows": len(times), "nulls": nulls, "samples": count}), flush=True)


main()
