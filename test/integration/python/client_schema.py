# Prints the schema that Arrakis's own client gets for some channels: as it builds it from their description
# (`described`) and as the server's live stream carries it (`received`).
# Not named arrakis_schema.py: that would hide the package of that name, which the client itself imports.
import json
import sys
import warnings

warnings.simplefilter("ignore")
from arrakis import Client, schemas
from arrakis.flight import RequestType, RequestValidator, connect, create_descriptor


def describe(schema):
    return [
        {
            "name": field.name,
            "type": str(field.type),
            "nullable": field.nullable,
            "metadata": {k.decode(): v.decode() for k, v in (field.metadata or {}).items()},
        }
        for field in schema
    ]


def received(url, names):
    descriptor = create_descriptor(
        RequestType.Stream,
        channels=names,
        start=None,
        end=None,
        replay_start=None,
        replay_end=None,
        replay_id=None,
        validator=RequestValidator(),
    )
    with connect(url) as client:
        info = client.get_flight_info(descriptor)
        reader = client.do_get(info.endpoints[0].ticket)
        schema = reader.schema
        reader.cancel()
        return schema


def main():
    url, names = sys.argv[1], sys.argv[2].split(",")
    described = schemas.stream(Client(url, token=False).describe(names).values())
    print(json.dumps({"described": describe(described), "received": describe(received(url, names))}), flush=True)


main()
