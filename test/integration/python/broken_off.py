"""Reads an address with several readers at a time, until its body breaks off. Prints the error of each reader.

usage: broken_off.py URL"""

import sys
from concurrent.futures import ThreadPoolExecutor

import pandas
from gwpy.timeseries import TimeSeries

URL = sys.argv[1]
READERS = {
    "pandas": lambda: pandas.read_csv(URL),
    "gwpy": lambda: TimeSeries.read(f"{URL}&format=gwpy", format="csv"),
}


def outcome(reader):
    try:
        READERS[reader]()
    except Exception as error:  # what a reader says is what is asked here
        return f"{reader}: {type(error).__name__}: {error}"
    return f"{reader}: no error"


with ThreadPoolExecutor() as pool:
    print("\n".join(pool.map(outcome, READERS)))
