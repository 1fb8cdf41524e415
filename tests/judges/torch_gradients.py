#!/usr/bin/python3
"""PyTorch as the judge of Swath's gradients: float64, autograd, whole image at once.

    torch_gradients.py --dump PATH/dump_gradients --work FOLDER

Runs dump_gradients, rebuilds every network from its ONNX file, computes loss and gradients from the formulas in
include/swath/loss.h and compares: the loss and every parameter tensor to within 1e-10 of its largest gradient.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import time

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F

TOLERANCE = 1e-10
ZERO = 1e-12  # a gradient below this share of its largest sum of |terms| is zero but for rounding


# Operators: ONNX's definitions, in PyTorch's words. Asymmetric pads are applied to the tensor beforehand.


def attributes_of(node):
    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def crop_or_pad(x, pads, value=0.0):
    """pads: top, left, bottom, right, as in ONNX; negative ones crop."""
    top, left, bottom, right = pads
    return F.pad(x, (left, right, top, bottom), value=value)


def conv(x, weights, bias=None, *, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), group=1, **_):
    return F.conv2d(crop_or_pad(x, pads), weights, bias, tuple(strides), 0, tuple(dilations), group)


def conv_transpose(x, weights, bias=None, *, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0),
                   output_padding=(0, 0), group=1, **_):
    whole = F.conv_transpose2d(x, weights, None, tuple(strides), 0, 0, group, tuple(dilations))
    ends = [extra - pad for extra, pad in zip(output_padding, pads[2:])]
    y = crop_or_pad(whole, [-pads[0], -pads[1], *ends])
    return y if bias is None else y + bias.view(1, -1, 1, 1)


def pooled_size(size, kernel, stride, dilation, begin, end, ceil_mode):
    room = size + begin + end - (dilation * (kernel - 1) + 1)
    if not ceil_mode:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + begin else count  # it would start in the padding


def pool_geometry(x, kernel_shape, strides, dilations, pads, ceil_mode):
    """Output sizes, and what must be added or cut at the end so that windows fit exactly."""
    sizes, ends = [], []
    for axis in (0, 1):
        size, k, s, d = x.shape[2 + axis], kernel_shape[axis], strides[axis], dilations[axis]
        begin, end = pads[axis], pads[2 + axis]
        count = pooled_size(size, k, s, d, begin, end, ceil_mode)
        sizes.append(count)
        ends.append((count - 1) * s + d * (k - 1) + 1 - size - begin)
    return sizes, ends


def max_pool(x, *, kernel_shape, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), ceil_mode=0, **_):
    _, ends = pool_geometry(x, kernel_shape, strides, dilations, pads, ceil_mode)
    padded = crop_or_pad(x, [pads[0], pads[1], *ends], value=-float("inf"))
    return F.max_pool2d(padded, tuple(kernel_shape), tuple(strides), 0, tuple(dilations))


def average_pool(x, *, kernel_shape, strides=(1, 1), dilations=(1, 1), pads=(0, 0, 0, 0), ceil_mode=0,
                 count_include_pad=0, **_):
    sizes, ends = pool_geometry(x, kernel_shape, strides, dilations, pads, ceil_mode)

    def window_sums(t):
        total = 0
        for i in range(kernel_shape[0]):
            for j in range(kernel_shape[1]):
                top, left = i * dilations[0], j * dilations[1]
                total = total + t[:, :, top: top + (sizes[0] - 1) * strides[0] + 1: strides[0],
                                  left: left + (sizes[1] - 1) * strides[1] + 1: strides[1]]
        return total

    counted = torch.ones_like(x[:1, :1])
    if count_include_pad:  # the padding counts; what ceil_mode adds beyond it does not
        counted = crop_or_pad(counted, pads, value=1.0)
        counted = crop_or_pad(counted, [0, 0, ends[0] - pads[2], ends[1] - pads[3]])
    else:
        counted = crop_or_pad(counted, [pads[0], pads[1], *ends])
    return window_sums(crop_or_pad(x, [pads[0], pads[1], *ends])) / window_sums(counted)


def resize(x, _roi, scales, **attributes):
    assert attributes["mode"] == b"nearest", attributes
    rows, columns = int(scales[2]), int(scales[3])
    return x.repeat_interleave(rows, dim=2).repeat_interleave(columns, dim=3)


OPERATORS = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "Resize": resize,
    "Relu": lambda x: F.relu(x),
    "LeakyRelu": lambda x, alpha=0.01: F.leaky_relu(x, alpha),
    "Sigmoid": lambda x: torch.sigmoid(x),
    "Add": lambda a, b: a + b,
    "Mul": lambda a, b: a * b,
    "Concat": lambda *xs, axis: torch.cat(xs, dim=axis),
}


def run_model(graph, values):
    """values: tensors by name, with the image and the initialisers in it."""
    for node in graph.node:
        inputs = [values[name] if name else None for name in node.input]
        values[node.output[0]] = OPERATORS[node.op_type](*inputs, **attributes_of(node))
    return values[graph.output[0].name]


# Losses.


def entropy_of(logits, labels, weights):
    """Σ w l / Σ w over the valid pixels; logits: [class, pixel]."""
    pixel_weights = weights[labels]
    if len(logits) == 1:
        losses = F.binary_cross_entropy_with_logits(logits[0], labels.double(), reduction="none")
    else:
        losses = F.cross_entropy(logits.t(), labels, reduction="none")
    return (pixel_weights * losses).sum() / pixel_weights.sum()


def dice_loss_of(logits, labels, weights, epsilon):
    """1 - (2 Σpt + ε) / (Σp + Σt + ε), for several classes their mean by weight."""
    binary = len(logits) == 1
    # The gradient of sigmoid is p (1 - p), which has lost its digits where p is close to 1; that of exp(logsigmoid) is not.
    p = torch.exp(F.logsigmoid(logits)) if binary else torch.softmax(logits, dim=0)
    truth = torch.stack([(labels == (1 if binary else c)).double() for c in range(len(logits))])
    dice = (2 * (p * truth).sum(1) + epsilon) / (p.sum(1) + truth.sum(1) + epsilon)
    shares = torch.ones(1, dtype=torch.float64) if binary else weights / weights.sum()
    return (shares * (1 - dice)).sum()


def loss_of(case, logits, labels):
    valid = labels != case["ignore_label"]
    logits, labels = logits[:, valid], labels[valid]
    classes = max(2, len(logits))
    weights = torch.tensor(case["class_weights"] or [1.0] * classes, dtype=torch.float64)
    total = 0
    if case["loss"] in ("bce", "cross-entropy", "bce-dice"):
        total = total + entropy_of(logits, labels, weights)
    if case["loss"] in ("dice", "bce-dice"):
        total = total + dice_loss_of(logits, labels, weights, case["dice_epsilon"])
    return total


# Comparison.


def read_case(case, folder):
    """The network, its image and labels, extended to the multiple that its metadata asks for."""
    model = onnx.load(str(folder / "model.onnx"))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    multiple = int(metadata.get("swath.multiple", 1))
    height, width, channels = case["height"], case["width"], case["channels"]
    below, right = -height % multiple, -width % multiple
    image = np.fromfile(folder / "image.bin", np.uint8).reshape(height, width, channels)
    labels = np.fromfile(folder / "labels.bin", np.uint8).reshape(height, width)
    image = np.pad(image, ((0, below), (0, right), (0, 0)),
                   constant_values=int(metadata.get("swath.extension", 255)))
    labels = np.pad(labels, ((0, below), (0, right)), constant_values=case["ignore_label"])
    return model.graph, image.transpose(2, 0, 1)[None], labels


def judge(case, folder):
    """The largest relative error, the loss's included; the number of tensors compared and of zero ones."""
    graph, image, labels = read_case(case, folder)
    values = {graph.input[0].name: torch.tensor(image.astype(np.float64))}
    for initialiser in graph.initializer:
        array = torch.tensor(onnx.numpy_helper.to_array(initialiser).astype(np.float64))
        values[initialiser.name] = array
    for entry in case["gradients"]:
        values[entry["name"]].requires_grad_(True)
    parameters = {entry["name"]: values[entry["name"]] for entry in case["gradients"]}
    logits = run_model(graph, values)[0]
    loss = loss_of(case, logits.flatten(1), torch.tensor(labels.astype(np.int64)).flatten())
    loss.backward()

    worst, where, zeros = abs(loss.item() - case["value"]) / abs(loss.item()), "loss", 0
    ours = np.fromfile(folder / "gradients.bin", np.float64)
    for entry in case["gradients"]:
        found = ours[entry["offset"]: entry["offset"] + entry["size"]]
        gradient = parameters[entry["name"]].grad
        expected = np.zeros(entry["size"]) if gradient is None else gradient.numpy().ravel()
        largest, error = np.abs(expected).max(), np.abs(found - expected).max()
        if largest <= ZERO * entry["terms"]:
            zeros += 1
            relative = error / entry["terms"] if entry["terms"] else error
        else:
            relative = error / largest
        if not relative <= worst:
            worst, where = relative, entry["name"]
    return worst, where, len(case["gradients"]), zeros


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dump", required=True, help="the program dump_gradients")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="folder for its files")
    arguments = parser.parse_args()
    start = time.monotonic()
    arguments.work.mkdir(parents=True, exist_ok=True)
    subprocess.run([arguments.dump, str(arguments.work)], check=True)
    cases = json.loads((arguments.work / "cases.json").read_text())
    print(f"PyTorch {torch.__version__}, float64; {len(cases)} cases dumped in {time.monotonic() - start:.1f} s")

    worst, tensors, zeros, failed, operators = 0.0, 0, 0, [], set()
    for case in cases:
        folder = arguments.work / case["name"]
        operators |= {node.op_type for node in onnx.load(str(folder / "model.onnx")).graph.node}
        relative, where, count, zero = judge(case, folder)
        print(f"  {case['name']:<34} {case['strips']} strips  {count:>3} tensors  {relative:8.1e}  {where}",
              flush=True)
        worst, tensors, zeros = max(worst, relative), tensors + count, zeros + zero
        if not relative <= TOLERANCE:
            failed.append(case["name"])
    print(f"operators: {', '.join(sorted(operators))}")
    print(f"{tensors} tensors, {zeros} of them zero; largest relative error {worst:.2g}, allowed {TOLERANCE:g}; "
          f"{time.monotonic() - start:.1f} s")
    missing = sorted(set(OPERATORS) - operators)
    if missing:
        print(f"no case has: {', '.join(missing)}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} cases differ: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
