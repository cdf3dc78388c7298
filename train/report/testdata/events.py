"""Writes events.bin: the records of tensorboard_test.go, made by TensorBoard's own
classes, and with a folder as argument prints the figures that TensorBoard reads
there.

    python events.py [FOLDER]

Needs the package tensorboard.
"""

import os
import sys

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def write(path):
    def value(tag, v):
        return Summary.Value(tag=tag, simple_value=v)

    with open(path, "wb") as f:
        w = RecordWriter(f)

        def event(step, **kw):
            e = Event(wall_time=1700000000.5, step=step, **kw)
            w.write(e.SerializeToString())

        event(0, file_version="brain.Event:2")
        event(11, session_log=SessionLog(status=SessionLog.START))
        event(20, summary=Summary(value=[
            value("loss/train", 2.5), value("learning_rate", 1e-4), value("grad_norm", 0.75),
            value("tokens_per_second", 1234.5), value("peak_memory_bytes", 1 << 30), value("padding", 0.125)]))
        event(20, summary=Summary(value=[value("loss/validation", 2.25)]))


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    acc = EventAccumulator(folder)
    acc.Reload()
    for tag in sorted(acc.Tags()["scalars"]):
        print(tag, [(e.step, round(e.value, 6)) for e in acc.Scalars(tag)])


if len(sys.argv) > 1:
    read(sys.argv[1])
else:
    write(os.path.join(os.path.dirname(os.path.abspath(__file__)), "events.bin"))
