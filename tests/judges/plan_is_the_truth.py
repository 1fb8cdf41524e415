#!/usr/bin/python3
"""The operating system as the judge of the plan: bytes asked for, counted outside the program.

    plan_is_the_truth.py --swath PATH/swath --counter PATH/count_allocations.so --work FOLDER [--heights H...]

Runs `swath bench step --size 1600xH --json` for growing H under an allocator that counts (count_allocations.cc) and
compares its peak, less what the program has before it does any work, with `plan_bytes`. Fails where the two differ by
more than 5 %, or where either grows with H by more than what must grow:

  * a TIFF's index: libtiff keeps offset and size of every tile of the level that is read, 16 bytes a tile in memory,
    for every reader (one a strip in flight), and briefly as much again while it reads them;
  * nothing else.

Peak resident memory of the process is printed beside them. A wide network, which oneDNN computes, is held against its plan
at two sizes besides, and with rows of bfloat16; and so are built-in networks with a head over the slide, with statistics of
the image, and of many channels. Their sweeps are printed, too.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH = 1600
TILE = 256
BYTES_A_TILE = 16
READERS = 8  # readers of the image and the mask, an upper bound: clones for strips, prefetch, the opened slide
TOLERANCE = 0.05
MIB = 1 << 20


def counted(swath, counter, report, arguments):
    """What the program printed, and the report of the allocator."""
    environment = dict(os.environ, LD_PRELOAD=str(counter), SWATH_ALLOCATIONS=str(report))
    report.unlink(missing_ok=True)
    done = subprocess.run([swath, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: exit status {done.returncode}")
    return done.stdout, json.loads(report.read_text())


def index_bytes(height):
    tiles = -(-WIDTH // TILE) * -(-height // TILE)
    return READERS * BYTES_A_TILE * tiles


def write_wide_network(path):
    """An encoder and decoder of 64 to 128 channels with a skip, at the image's full resolution."""
    random = np.random.default_rng(1)

    def weights(name, *shape):
        values = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        return numpy_helper.from_array(values.astype(np.float32), name)

    def conv(source, name, kind="Conv", **attributes):
        return helper.make_node(kind, [source, name], [name + ".out"], name=name, **attributes)

    parameters = [numpy_helper.from_array(np.full((1, 1, 1, 1), 1 / 64, np.float32), "scale"),
                  weights("a", 64, 3, 3, 3), weights("b", 64, 64, 3, 3), weights("c", 128, 64, 3, 3),
                  weights("d", 128, 64, 2, 2), weights("head", 1, 128, 3, 3)]
    nodes = [helper.make_node("Mul", ["image", "scale"], ["scaled"], name="scaled"),
             conv("scaled", "a", pads=[1] * 4), conv("a.out", "b", pads=[1] * 4),
             conv("b.out", "c", pads=[1] * 4, strides=[2, 2]), conv("c.out", "d", "ConvTranspose", strides=[2, 2]),
             helper.make_node("Concat", ["d.out", "b.out"], ["joined"], name="joined", axis=1),
             conv("joined", "head", pads=[1] * 4)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "height", "width"])
            for name, channels in (("image", 3), ("head.out", 1))]
    model = helper.make_model(helper.make_graph(nodes, "wide", ends[:1], ends[1:], parameters),
                              opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, str(path))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--swath", required=True)
    parser.add_argument("--counter", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path, help="folder for images and reports")
    parser.add_argument("--heights", type=int, nargs="+", default=[2000, 8000, 32000, 64000])
    # A fixed number: the default follows the image, and each strip in flight has its own rows.
    parser.add_argument("--strips", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)

    def run(width, height, *options):
        command = ["bench", "step", "--size", f"{width}x{height}", *options, "--json", "--data", str(arguments.work),
                   "--strips", str(arguments.strips), "--threads", str(arguments.threads)]
        counted(arguments.swath, arguments.counter, report, command)  # makes the image, which is not the step
        printed, memory = counted(arguments.swath, arguments.counter, report, command)
        return json.loads(printed.strip().splitlines()[-1]), memory

    report = arguments.work / "allocations.json"
    _, idle = counted(arguments.swath, arguments.counter, report, ["bench", "step", "--help"])
    baseline = idle["peak_bytes"]
    print(f"baseline {baseline / MIB:.2f} MiB; {arguments.strips} strips, {arguments.threads} threads")
    print(f"{'height':>7} {'plan MiB':>9} {'counted MiB':>12} {'ratio':>6} {'resident MiB':>13} {'allocations':>12}")
    failures, first = [], None
    for height in arguments.heights:
        step, memory = run(WIDTH, height)
        plan, peak = step["plan_bytes"], memory["peak_bytes"] - baseline
        ratio = peak / plan
        print(f"{height:>7} {plan / MIB:>9.2f} {peak / MIB:>12.2f} {ratio:>6.3f} {step['peak_rss_mib']:>13.1f} "
              f"{memory['allocations']:>12}", flush=True)
        if not abs(ratio - 1) <= TOLERANCE:
            failures.append(f"height {height}: counted bytes are {ratio:.3f} of the plan's")
        if memory["lost_mappings"]:
            failures.append(f"height {height}: {memory['lost_mappings']} mappings were not followed")
        first = first or (height, plan, peak)
        growth = index_bytes(height) - index_bytes(first[0])
        # A hundredth besides: which blocks of two threads overlap in time varies from run to run.
        for name, now, then in (("plan", plan, first[1]), ("counted bytes", peak, first[2])):
            if abs(now - then) > growth + 0.01 * then:
                failures.append(f"height {height}: {name} changed by {now - then} bytes since {first[0]}, allowed "
                                f"{growth} for the TIFF's index and 1 %")
    wide = arguments.work / "wide.onnx"
    write_wide_network(wide)
    for model, width, height, precision in ((wide, 256, 512, "fp32"), (wide, WIDTH, 256, "fp32"),
                                            (wide, WIDTH, 256, "bf16"), ("unet-4492", WIDTH, 2000, "bf16")):
        step, memory = run(width, height, "--model", str(model), "--precision", precision)
        plan, peak = step["plan_bytes"], memory["peak_bytes"] - baseline
        name = f"{pathlib.Path(model).stem}, {width} x {height}, {precision}"
        print(f"{name}: plan {plan / MIB:.2f} MiB, counted {peak / MIB:.2f}, ratio {peak / plan:.3f}", flush=True)
        if not abs(peak / plan - 1) <= TOLERANCE:
            failures.append(f"{name}: counted bytes are {peak / plan:.3f} of the plan's")
    for model, options in (("resnet-18:head=attention", ("--batchnorm", "frozen")),
                           ("unet:base=16,norm=batch", ("--batchnorm", "image")), ("convnext-tiny", ())):
        step, memory = run(224, 160, "--model", model, *options)
        plan, peak = step["plan_bytes"], memory["peak_bytes"] - baseline
        print(f"{model} {' '.join(options)}: {step['sweeps']} sweeps, plan {plan / MIB:.2f} MiB, counted {peak / MIB:.2f}, "
              f"ratio {peak / plan:.3f}", flush=True)
        if not abs(peak / plan - 1) <= TOLERANCE:
            failures.append(f"{model}: counted bytes are {peak / plan:.3f} of the plan's")
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
