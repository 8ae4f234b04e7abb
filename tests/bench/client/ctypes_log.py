"""Log points from a Python loop through ctypes; prints JSON. Usage: ctypes_log.py LIBTALLY POINTS"""

import ctypes
import json
import sys
import time


def main():
    library = ctypes.CDLL(sys.argv[1])
    points = int(sys.argv[2])
    library.tally_log_metric.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_double, ctypes.c_int64, ctypes.c_void_p]
    library.tally_flush.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    library.tally_close.argtypes = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    library.tally_run_server_id.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p]
    client, run = ctypes.c_void_p(), ctypes.c_void_p()
    assert library.tally_open(ctypes.byref(client), None, None) == 0
    assert library.tally_run_start(ctypes.byref(run), client, b"client-bench", None, None) == 0
    assert library.tally_flush(client, 60000, None) == 0
    log, full = library.tally_log_metric, 0
    began = time.perf_counter()
    for step in range(points):
        while log(run, b"loss", step * 0.5, step, None) != 0:
            full += 1
            time.sleep(0.001)
    logged = time.perf_counter() - began
    assert library.tally_flush(client, 600000, None) == 0
    flushed = time.perf_counter() - began
    run_id = ctypes.create_string_buffer(33)
    library.tally_run_server_id(run_id, run, 1000, None)
    library.tally_close(client, 1000, None)
    print(json.dumps({"points": points, "logged_s": logged, "flushed_s": flushed, "full": full,
                      "run_id": run_id.value.decode()}))


if __name__ == "__main__":
    main()
