# What clients in Python get of the notes about a channel: URL of HTTP, port of Arrow Flight, NAME. Prints JSON.
import json
import sys

sys.path.insert(0, "clients/python/src")
import arrakis
import pyarrow
import qanat_client.gwpy
import requests
from gwpy.timeseries import StateVector, TimeSeries

URL, FLIGHT_PORT, NAME = sys.argv[1:]


def metadata_of(field):
    return {key.decode(): value.decode() for key, value in field.metadata.items()}


def arrow(**query):
    answer = requests.get(f"{URL}/v1/arrow", {"channels": NAME, **query}, timeout=30)
    answer.raise_for_status()
    return pyarrow.ipc.open_stream(answer.content).read_all().schema


def main():
    row = arrow(start=-4, duration=1).field(NAME)
    trend = arrow(trend="1s", start=-4, end=-2)
    client = qanat_client.Client(URL)
    channel = client.describe([NAME])[NAME]
    newest = client.fetch(NAME).time
    series = TimeSeries.get(NAME, newest - 3, newest - 2, source="qanat", url=URL)
    state = StateVector.get(NAME, newest - 3, newest - 2, source="qanat", url=URL)
    flight = arrakis.Client(f"grpc://127.0.0.1:{FLIGHT_PORT}")
    block = next(iter(flight.stream([NAME])))
    info = pyarrow.flight.connect(f"grpc://127.0.0.1:{FLIGHT_PORT}")
    command = json.dumps({"request": "Stream", "args": {"channels": [NAME], "start": None, "end": None}})
    schema = info.get_flight_info(pyarrow.flight.FlightDescriptor.for_command(command)).schema
    print(
        json.dumps(
            {
                "row": metadata_of(row),
                "mean": metadata_of(trend.field(f"{NAME}.mean")),
                "count": metadata_of(trend.field(f"{NAME}.count")),
                "flight": metadata_of(schema.field(NAME)),
                "described": [channel.unit, channel.description, channel.range],
                "gwpy": [str(series.unit), series.name, str(state.unit)],
                "arrakis": [str(block[NAME].channel), len(block[NAME].data)],
                "arrakis_finds": [str(each) for each in flight.find(NAME)],
            }
        )
    )


main()
