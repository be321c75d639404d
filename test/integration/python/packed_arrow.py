# Reads files of Arrow streams with pyarrow, polars and DuckDB, and compares each with the first one, value by value.
# Prints {"rows", "same": {file: {reader: bool}}}; a reader that fails has its error instead of true.
import json
import sys

import duckdb
import polars
import pyarrow


def by_pyarrow(path):
    table = pyarrow.ipc.open_stream(pyarrow.memory_map(path)).read_all()
    table.validate(full=True)
    return table


def columns_of(table):
    """Every column's bytes: NaN is equal to itself, and -0 is not 0."""
    result = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if not pyarrow.types.is_list(column.type) and not pyarrow.types.is_large_list(column.type):
            result[name] = column.to_pylist()
            continue
        result[name] = [
            None if not row.is_valid else (
                row.values.fill_null(0).to_numpy(zero_copy_only=False).tobytes(),
                row.values.is_valid().to_pylist(),
            )
            for row in column
        ]
    return result


def by_duckdb(path):
    stream = pyarrow.ipc.open_stream(pyarrow.memory_map(path))
    return duckdb.sql("select * from stream").to_arrow_table()


READERS = {
    "pyarrow": by_pyarrow,
    "polars": lambda path: polars.read_ipc_stream(path).to_arrow(),
    "duckdb": by_duckdb,
}


def main():
    paths = sys.argv[1:]
    plain = by_pyarrow(paths[0])
    expected = columns_of(plain)
    same = {}
    for path in paths:
        same[path] = {}
        for name, read in READERS.items():
            try:
                same[path][name] = columns_of(read(path)) == expected
            except Exception as error:  # what a reader says is what is asked here
                same[path][name] = f"{type(error).__name__}: {error}"
    print(json.dumps({"rows": plain.num_rows, "nulls": sum(c.null_count for c in plain.columns), "same": same}))


main()
