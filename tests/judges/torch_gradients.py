#!/usr/bin/python3
"""PyTorch as the judge of Swath's gradients: float64, autograd, whole image at once.

    torch_gradients.py --dump PATH/dump_gradients --work FOLDER

Runs dump_gradients, rebuilds every network from its ONNX file, computes loss and gradients from the formulas in
include/swath/loss.h and compares: the loss and every parameter tensor to within 1e-9 of its largest gradient.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import time
from fractions import Fraction

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F

TOLERANCE = 1e-9
SMALL = 1e-6  # of losses below it PyTorch's sigmoid(z) - t has lost the digits
ZERO = 1e-12  # a gradient below this share of its largest sum of |terms| is zero but for rounding


# Defaults of ONNX are in single precision.
FLOATS = {value: float(np.float32(value)) for value in (0.2, 0.01, 1e-5, 1e-4)}

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


def resized_positions(size, scale, mode):
    """The place among the source's pixels of each of the result's, exactly."""
    scale = Fraction(float(scale)).limit_denominator(4096)
    count = size * scale.numerator // scale.denominator
    for y in range(count):
        if mode == "asymmetric":
            yield y / scale
        elif mode == "align_corners":
            yield y * (size - 1) / (scale * size - 1) if count > 1 else Fraction(0)
        elif mode == "pytorch_half_pixel" and count == 1:
            yield Fraction(0)
        else:
            shift = Fraction(size, 2) * (1 - count / (scale * size)) if mode == "half_pixel_symmetric" else 0
            yield shift + (y + Fraction(1, 2)) / scale - Fraction(1, 2)


def resize_axis(x, axis, scale, mode, coordinates, nearest):
    size = x.shape[axis]
    rounding = {"floor": math.floor, "ceil": math.ceil,
                "round_prefer_floor": lambda p: math.ceil(p - Fraction(1, 2)),
                "round_prefer_ceil": lambda p: math.floor(p + Fraction(1, 2))}[nearest]
    matrix = []
    for place in resized_positions(size, scale, coordinates):
        row = [0.0] * size
        if mode == "nearest":
            row[min(max(rounding(place), 0), size - 1)] = 1.0
        else:
            first = math.floor(place)
            row[min(max(first, 0), size - 1)] += float(1 - (place - first))
            row[min(max(first + 1, 0), size - 1)] += float(place - first)
        matrix.append(row)
    return torch.movedim(torch.movedim(x, axis, -1) @ torch.tensor(matrix, dtype=x.dtype).t(), -1, axis)


def resize(x, _roi=None, scales=None, sizes=None, *, mode=b"nearest", coordinate_transformation_mode=b"half_pixel",
           nearest_mode=b"round_prefer_floor", axes=(0, 1, 2, 3), keep_aspect_ratio_policy=b"stretch", antialias=0, **_):
    assert mode in (b"nearest", b"linear") and not antialias, mode
    if scales is not None and len(scales):
        factors = [float(s) for s in scales]
    else:
        factors = [float(size) / x.shape[axis] for size, axis in zip(sizes, axes)]
        if keep_aspect_ratio_policy != b"stretch":
            scale = min(factors) if keep_aspect_ratio_policy == b"not_larger" else max(factors)
            factors = [math.floor(scale * x.shape[axis] + 0.5) / x.shape[axis] for axis in axes]
    for axis, factor in zip(axes, factors):
        if axis >= 2:
            x = resize_axis(x, axis, factor, mode.decode(), coordinate_transformation_mode.decode(),
                            nearest_mode.decode())
    return x


def same_pads(x, kernel, strides, dilations, upper):
    begins, ends = [], []
    for axis in (0, 1):
        size, extent = x.shape[2 + axis], dilations[axis] * (kernel[axis] - 1) + 1
        total = max(0, (-(-size // strides[axis]) - 1) * strides[axis] + extent - size)
        begins.append(total // 2 if upper else total - total // 2)
        ends.append(total - begins[-1])
    return begins + ends


def auto_padded(function):
    """The pooling with auto_pad turned into pads."""
    def padded(x, *, auto_pad=b"NOTSET", **attributes):
        if auto_pad in (b"SAME_UPPER", b"SAME_LOWER"):
            attributes["pads"] = same_pads(x, attributes["kernel_shape"], attributes.get("strides", (1, 1)),
                                           attributes.get("dilations", (1, 1)), auto_pad == b"SAME_UPPER")
        return function(x, **attributes)
    return padded


def shaped_transpose(x, weights, bias=None, *, output_shape=None, **attributes):
    """ConvTranspose whose output_shape stands for its pads."""
    if output_shape is not None:
        strides, extra = attributes.get("strides", (1, 1)), list(attributes.get("output_padding", (0, 0)))
        begins, ends = [], []
        for axis in (0, 1):
            total = strides[axis] * (x.shape[2 + axis] - 1) + extra[axis] + weights.shape[2 + axis] - output_shape[axis]
            extra[axis] -= min(total, 0)
            begins.append(max(total, 0) - max(total, 0) // 2)
            ends.append(max(total, 0) // 2)
        attributes.update(pads=begins + ends, output_padding=extra)
    return conv_transpose(x, weights, bias, **attributes)


def pad_axes(x, pads, value=None, axes=None, *, mode=b"constant"):
    """Pad with the axes that it pads named."""
    count = len(pads) // 2
    whole = [0] * 8
    for i in range(count):
        axis = (int(axes[i]) if axes is not None else i) % 4
        whole[axis], whole[axis + 4] = int(pads[i]), int(pads[count + i])
    return pad(x, whole, value, mode=mode)


def group_normalization(x, scale, bias, *, num_groups, epsilon=FLOATS[1e-5], **_):
    return F.group_norm(x, num_groups, scale, bias, epsilon)


def softmax_of(x, axis=-1):
    return torch.softmax(x, axis)


def clip(x, low=None, high=None):
    low = -math.inf if low is None else float(low)
    high = math.inf if high is None else float(high)
    return torch.where((x > low) & (x < high), x, x.detach().clamp(low, high))


def flatten(x, axis=1):
    axis = axis + x.dim() if axis < 0 else axis
    return x.reshape(math.prod(x.shape[:axis]), -1)


def pad(x, pads, value=None, *, mode=b"constant"):
    begin, end = [int(p) for p in pads[2:4]], [int(p) for p in pads[6:8]]
    if mode == b"constant":
        return crop_or_pad(x, [*begin, *end], value=0.0 if value is None else float(value))
    for axis in (0, 1):
        size = x.shape[2 + axis]
        places = torch.arange(-begin[axis], size + end[axis])
        if mode == b"edge":
            places = places.clamp(0, size - 1)
        else:
            places = places.abs()
            places = torch.where(places >= size, 2 * (size - 1) - places, places)
        x = x.index_select(2 + axis, places)
    return x


def lrn(x, *, size, alpha=FLOATS[1e-4], beta=0.75, bias=1.0):
    channels = x.shape[1]
    sums = [(x[:, max(0, c - (size - 1) // 2): c + size // 2 + 1] ** 2).sum(1) for c in range(channels)]
    return x / (bias + alpha / size * torch.stack(sums, 1)) ** beta


def batch_normalization(x, scale, bias, mean, variance, *, epsilon=FLOATS[1e-5], image=False, **_):
    return F.batch_norm(x, None if image else mean, None if image else variance, scale, bias, image, 0.0, epsilon)


def depth_to_space(x, *, blocksize, mode=b"DCR"):
    if mode == b"CRD":
        return F.pixel_shuffle(x, blocksize)
    n, c, h, w = x.shape
    y = x.reshape(n, blocksize, blocksize, c // blocksize ** 2, h, w).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(n, c // blocksize ** 2, h * blocksize, w * blocksize)


def space_to_depth(x, *, blocksize):
    n, c, h, w = x.shape
    y = x.reshape(n, c, h // blocksize, blocksize, w // blocksize, blocksize).permute(0, 3, 5, 1, 2, 4)
    return y.reshape(n, c * blocksize ** 2, h // blocksize, w // blocksize)


def reduce(function, x, axes, keepdims):
    axes = [int(axis) for axis in axes] if axes is not None else list(range(x.dim()))
    return function(x, axes, bool(keepdims))


def slice_of(x, starts, ends, axes=None, steps=None):
    for i, (start, end) in enumerate(zip(starts, ends)):
        axis = int(axes[i]) if axes is not None else i
        end = min(max(int(end), -(2 ** 40)), 2 ** 40)
        index = [slice(None)] * x.dim()
        index[axis] = slice(int(start), end, int(steps[i]) if steps is not None else 1)
        x = x[tuple(index)]
    return x


def gemm(a, b, c=None, *, alpha=1.0, beta=1.0, transA=0, transB=0):
    y = alpha * (a.t() if transA else a) @ (b.t() if transB else b)
    return y if c is None else y + beta * c


def reshape(x, shape):
    return x.reshape([int(d) if d else x.shape[i] for i, d in enumerate(shape)])


def unsqueeze(x, axes):
    for axis in sorted(int(a) for a in axes):
        x = x.unsqueeze(axis)
    return x


def first_maximum(x, axes, keepdims):
    """amax shares the gradient among equal values; ours goes to the first of them."""
    order = [axis for axis in range(x.dim()) if axis not in axes] + sorted(axes)
    kept = x.dim() - len(axes)
    flat = x.permute(order).reshape(*[x.shape[axis] for axis in order[:kept]], -1)
    y = flat.max(-1).values
    return y.reshape([1 if axis in axes else x.shape[axis] for axis in range(x.dim())]) if keepdims else y


OPERATORS = {
    "Abs": torch.abs,
    "Add": lambda a, b: a + b,
    "AveragePool": auto_padded(average_pool),
    "BatchNormalization": batch_normalization,
    "Clip": clip,
    "Concat": lambda *xs, axis: torch.cat(xs, dim=axis),
    "Conv": conv,
    "ConvTranspose": shaped_transpose,
    "DepthToSpace": depth_to_space,
    "Div": lambda a, b: a / b,
    "Dropout": lambda x, *_: x,
    "Elu": lambda x, alpha=1.0: F.elu(x, alpha),
    "Erf": torch.erf,
    "Exp": torch.exp,
    "Gather": lambda x, indices, axis=0: x.index_select(axis, indices.long()),
    "Gemm": gemm,
    "GlobalAveragePool": lambda x: x.mean((2, 3), keepdim=True),
    "GlobalMaxPool": lambda x: first_maximum(x, [2, 3], True),
    "HardSigmoid": lambda x, alpha=FLOATS[0.2], beta=0.5: (alpha * x + beta).clamp(0, 1),
    "HardSwish": F.hardswish,
    "InstanceNormalization": lambda x, scale, bias, epsilon=FLOATS[1e-5]: F.instance_norm(x, weight=scale, bias=bias, eps=epsilon),
    "LRN": lrn,
    "LayerNormalization": lambda x, scale, bias=None, axis=-1, epsilon=FLOATS[1e-5]: F.layer_norm(
        x, x.shape[axis:], scale, bias, epsilon),
    "LeakyRelu": lambda x, alpha=FLOATS[0.01]: F.leaky_relu(x, alpha),
    "Log": torch.log,
    "Reciprocal": torch.reciprocal,
    "LogSoftmax": lambda x, axis=-1: torch.log_softmax(x, axis),
    "MatMul": lambda a, b: a @ b,
    "MaxPool": auto_padded(max_pool),
    "Mul": lambda a, b: a * b,
    "Neg": torch.neg,
    "PRelu": lambda x, slope: torch.where(x > 0, x, slope * x),
    "Pad": pad_axes,
    "Pow": lambda x, exponent: x ** exponent,
    "ReduceLogSumExp": lambda x, axes=None, keepdims=1: reduce(torch.logsumexp, x, axes, keepdims),
    "ReduceMax": lambda x, axes=None, keepdims=1: reduce(first_maximum, x, axes, keepdims),
    "ReduceMean": lambda x, axes=None, keepdims=1: reduce(torch.mean, x, axes, keepdims),
    "ReduceSum": lambda x, axes=None, keepdims=1: reduce(torch.sum, x, axes, keepdims),
    "Relu": F.relu,
    "Reshape": reshape,
    "Resize": resize,
    "Selu": lambda x, alpha=1.67326319, gamma=1.05070102: gamma * F.elu(x, alpha),
    "Shape": lambda x: torch.tensor(x.shape),
    "Sigmoid": torch.sigmoid,
    "Slice": slice_of,
    "Softmax": softmax_of,
    "Softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    "SpaceToDepth": space_to_depth,
    "Sqrt": torch.sqrt,
    "Sub": lambda a, b: a - b,
    "Tanh": torch.tanh,
    "Transpose": lambda x, perm: x.permute(*perm),
    "Unsqueeze": unsqueeze,
}


# What the networks of dump_gradients do not have, or are spelled in: for other judges.
MORE_OPERATORS = {
    "Flatten": flatten,
    "Gelu": lambda x, approximate=b"none": F.gelu(x, approximate=approximate.decode()),
    "GroupNormalization": group_normalization,
    "Mish": F.mish,
    "Sum": lambda *xs: sum(xs[1:], xs[0]),
    "Swish": lambda x, alpha=1.0: x * torch.sigmoid(alpha * x),
    "Upsample": lambda x, scales, mode=b"nearest": resize(x, None, scales, mode=mode, nearest_mode=b"floor",
                                                          coordinate_transformation_mode=b"asymmetric"),
}


def run_model(graph, values, batchnorm="frozen"):
    """values: tensors by name, with the image and the initialisers in it."""
    for node in graph.node:
        inputs = [values[name] if name else None for name in node.input]
        attributes = attributes_of(node)
        if node.op_type == "BatchNormalization":
            attributes["image"] = batchnorm == "image"
        operator = OPERATORS.get(node.op_type) or MORE_OPERATORS[node.op_type]
        values[node.output[0]] = operator(*inputs, **attributes)
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


def slide_loss_of(case, output, target):
    output, target = output.flatten(), torch.tensor(target, dtype=torch.float64)
    if case["loss"] == "cross-entropy":
        return F.cross_entropy(output[None], target.long())
    if case["loss"] == "mse":
        return F.mse_loss(output, target)
    return F.binary_cross_entropy_with_logits(output, target)


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
    """The network, its images and labels, a batch, extended to the multiple that its metadata asks for."""
    model = onnx.load(str(folder / "model.onnx"))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    multiple = int(metadata.get("swath.multiple", 1))
    slides, height, width, channels = case["slides"], case["height"], case["width"], case["channels"]
    below, right = -height % multiple, -width % multiple
    image = np.fromfile(folder / "image.bin", np.uint8).reshape(slides, height, width, channels)
    labels = np.fromfile(folder / "labels.bin", np.uint8).reshape(slides, height, width)
    image = np.pad(image, ((0, 0), (0, below), (0, right), (0, 0)),
                   constant_values=int(metadata.get("swath.extension", 255)))
    labels = np.pad(labels, ((0, 0), (0, below), (0, right)), constant_values=case["ignore_label"])
    # PyTorch 1.13 takes wrong gradients of normalisations whose input is not contiguous.
    return model.graph, np.ascontiguousarray(image.transpose(0, 3, 1, 2)), labels


def judge(case, folder):
    """The largest relative error, the loss's included; the numbers of tensors compared, of zero ones and of those that cancel."""
    graph, image, labels = read_case(case, folder)
    values = {graph.input[0].name: torch.tensor(image.astype(np.float64))}
    for initialiser in graph.initializer:
        array = torch.tensor(onnx.numpy_helper.to_array(initialiser).astype(np.float64))  # settings as well
        values[initialiser.name] = array
    # Constants of Gelu, which Swath has in doubles and a file in floats.
    exact = {".root2": 2 ** 0.5, ".coefficient": 0.044715, ".scale": (2 / math.pi) ** 0.5}
    for name, array in list(values.items()):
        for ending, value in exact.items():
            if name.endswith(ending) and array.dim() == 0:
                values[name] = torch.tensor(value, dtype=torch.float64)
    for entry in case["gradients"]:
        values[entry["name"]].requires_grad_(True)
    parameters = {entry["name"]: values[entry["name"]] for entry in case["gradients"]}
    output = run_model(graph, values, case["batchnorm"])
    labels = torch.tensor(labels.astype(np.int64))
    losses = [slide_loss_of(case, output[i], case["targets"][i]) if case["slide"] else
              loss_of(case, output[i].flatten(1), labels[i].flatten()) for i in range(case["slides"])]
    loss = sum(losses) / len(losses)
    loss.backward()

    worst, where, zeros = abs(loss.item() - case["value"]) / max(abs(loss.item()), SMALL), "loss", 0
    cancelled = 0  # gradients of which doubles do not hold nine digits, whatever the order of adding
    ours = np.fromfile(folder / "gradients.bin", np.float64)
    for entry in case["gradients"]:
        found = ours[entry["offset"]: entry["offset"] + entry["size"]]
        gradient = parameters[entry["name"]].grad
        expected = np.zeros(entry["size"]) if gradient is None else gradient.numpy().ravel()
        largest, error = np.abs(expected).max(), np.abs(found - expected).max()
        if largest <= ZERO * entry["terms"]:
            zeros += 1
            relative = error / entry["terms"] if entry["terms"] else error
        elif error <= max(entry["noise"], TOLERANCE * SMALL):
            cancelled += TOLERANCE * largest < error
            relative = min(error / largest, TOLERANCE)
        else:
            relative = error / largest
        if not relative <= worst:
            worst, where = relative, entry["name"]
    return worst, where, len(case["gradients"]), zeros, cancelled


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

    worst, tensors, zeros, cancelled, failed, operators = 0.0, 0, 0, 0, [], set()
    for case in cases:
        folder = arguments.work / case["name"]
        operators |= {node.op_type for node in onnx.load(str(folder / "model.onnx")).graph.node}
        relative, where, count, zero, cancel = judge(case, folder)
        print(f"  {case['name']:<34} {case['strips']} strips  {count:>3} tensors  {relative:8.1e}  {where}",
              flush=True)
        worst, tensors, zeros, cancelled = max(worst, relative), tensors + count, zeros + zero, cancelled + cancel
        if not relative <= TOLERANCE:
            failed.append(case["name"])
    print(f"operators: {', '.join(sorted(operators))}")
    print(f"{tensors} tensors, {zeros} of them zero, {cancelled} that cancel; largest relative error {worst:.2g}, allowed {TOLERANCE:g}; "
          f"{time.monotonic() - start:.1f} s")
    missing = sorted(set(OPERATORS) - operators)
    if missing:
        print(f"no case has: {', '.join(missing)}", file=sys.stderr)
    if failed:
        print(f"{len(failed)} cases differ: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
