# Reads over TLS with a token: an action with pyarrow.flight, rows with arrakis.Client. Prints the kinds of actions, then
# the time of each row; "error CLASS" where it fails. GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names the CA for arrakis.Client,
# which has no argument for one.
import os
import sys

import arrakis
import pyarrow.flight as flight

url, channel, rows, token = sys.argv[1:5]
ca = os.environ["GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"]


def main():
    with open(ca, "rb") as file:
        client = flight.connect(url, tls_root_certs=file.read())
    options = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer " + token.encode())], timeout=30)
    result = next(iter(client.do_action(flight.Action("scope-map", b""), options)))
    print("scope-map", len(result.body.to_pybytes()), flush=True)
    for n, block in enumerate(arrakis.Client(url, token=token).stream([channel]), 1):
        print("row", block.time_ns, flush=True)
        if n == int(rows):
            return


try:
    main()
except Exception as error:
    print("error", type(error).__name__, flush=True)
os._exit(0)
