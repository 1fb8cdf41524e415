#!/usr/bin/python3
"""TensorBoard's files by other people's code: framing, checksums, messages, values.

    tensorboard_events.py --swath PATH/swath --work FOLDER

Trains for a few steps, and a few more with --resume. Reads every events.out.tfevents.* of the run folder: the length of
each record and both of its masked CRC-32C checksums (python3-crc32c), then the message (python3-protobuf, by the
numbers of fields that TensorBoard's own definition gives them). Every figure of metrics.jsonl must be there, as the
float32 that it rounds to, and none besides; a run that was continued must say from where on older files do not count.
"""

import argparse
import json
import pathlib
import shutil
import struct
import subprocess
import sys

import crc32c
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

TYPES = {"double": 1, "float": 2, "int64": 3, "string": 9, "message": 11, "enum": 14}


def messages():
    """TensorBoard's Event and what it holds, as far as scalars need it."""
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="judge", syntax="proto3")

    def message(name, *fields):
        added = file.message_type.add(name=name)
        for number, field, kind, *of in fields:
            repeated = kind == "messages"
            added.field.add(name=field, number=number, label=3 if repeated else 1,
                            type=TYPES["message" if repeated else kind],
                            type_name=f".judge.{of[0]}" if of else None)

    status = file.enum_type.add(name="SessionStatus")
    for number, name in enumerate(["STATUS_UNSPECIFIED", "START", "STOP", "CHECKPOINT"]):
        status.value.add(name=name, number=number)
    message("Value", (1, "tag", "string"), (2, "simple_value", "float"))
    message("Summary", (1, "value", "messages", "Value"))
    message("SessionLog", (1, "status", "enum", "SessionStatus"))
    message("Event", (1, "wall_time", "double"), (2, "step", "int64"), (3, "file_version", "string"),
            (5, "summary", "message", "Summary"), (7, "session_log", "message", "SessionLog"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("judge.Event"))


def masked(data):
    crc = crc32c.crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    data = path.read_bytes()
    place = 0
    while place < len(data):
        header = data[place:place + 8]
        (length,) = struct.unpack("<Q", header)
        (crc,) = struct.unpack("<I", data[place + 8:place + 12])
        body = data[place + 12:place + 12 + length]
        (body_crc,) = struct.unpack("<I", data[place + 12 + length:place + 16 + length])
        if crc != masked(header) or body_crc != masked(body):
            sys.exit(f"{path.name}: byte {place}: a checksum is wrong")
        yield body
        place += 16 + length


def wanted(run):
    """(tag, step) -> value, of metrics.jsonl."""
    figures = {}
    for line in (run / "metrics.jsonl").read_text().splitlines():
        record = json.loads(line)
        split = record["split"]
        for key in ("loss", "dice"):
            figures[f"{key}/{split}", record["step"]] = record[key]
        if split == "train":
            for key in ("lr", "gradient_norm"):
                figures[key, record["step"]] = record[key]
    return figures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--swath", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    shutil.rmtree(arguments.work, ignore_errors=True)
    data, run = arguments.work / "data", arguments.work / "run"

    def swath(*command):
        subprocess.run([arguments.swath, *map(str, command)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    swath("synth", data, "--slides", 3, "--size", "512x512", "--val", 1, "--test", 0)
    swath("train", "--data", data / "slides.csv", "--out", run, "--steps", 6, "--validate-every", 3)
    swath("train", "--config", run / "config.toml", "--resume", "--steps", 10)

    event_type = messages()
    found, times, starts = {}, [], []
    files = sorted(run.glob("events.out.tfevents.*"))
    if len(files) != 2:
        sys.exit(f"expected 2 files of events, one a session, found {len(files)}")
    for file in files:
        events = [event_type.FromString(body) for body in records(file)]
        if events[0].file_version != "brain.Event:2":
            sys.exit(f"{file.name}: begins with {events[0]}")
        if events[1].session_log.status != 1:
            sys.exit(f"{file.name}: no session starts")
        starts.append(events[1].step)
        times += [event.wall_time for event in events]
        for event in events[2:]:
            for value in event.summary.value:
                if (value.tag, event.step) in found:
                    sys.exit(f"{value.tag} of step {event.step} is there twice")
                found[value.tag, event.step] = value.simple_value
    if times != sorted(times):
        sys.exit("the times of events go back")
    if starts != [1, 7]:
        sys.exit(f"sessions start at steps {starts}, expected [1, 7]")
    figures = wanted(run)
    for key, value in figures.items():
        if found.get(key) != np.float32(value):
            sys.exit(f"{key}: {found.get(key)}, metrics.jsonl has {value}")
    extra = {tag for tag, _ in found.keys() - figures.keys()}
    if extra != {"mpx_per_s", "peak_rss_mib"}:  # rounded for people in metrics.jsonl
        sys.exit(f"tags {extra} are not those of metrics.jsonl")
    print(f"{len(files)} files, {len(times)} events, {len(found)} values: all as in metrics.jsonl")


if __name__ == "__main__":
    main()
