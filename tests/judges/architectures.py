#!/usr/bin/python3
"""PyTorch as the judge of the built-in architectures: float64, autograd, whole image at once.

    architectures.py --swath PATH/swath --run PATH/run_model --work FOLDER

Writes every network by `swath model`, changes all of its weights so that none is 0 or 1, and runs it by
run_model. The same weights go, by name, into the networks of the papers, written down here in PyTorch's words as
torchvision lays them out. Outputs must agree, and for values of a slide the gradients of sum (output - 1)^2 / n
(architectures_test.cc holds those of maps against the reference).
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import torch
import torch.nn.functional as F

TOLERANCE = 1e-9  # of a tensor's largest value
ROWS = 1e-5  # of maps, which run_model writes as float32
WIDTH, HEIGHT = 96, 64


def conv(w, name, x, **settings):
    return F.conv2d(x, w[name + ".weight"], w.get(name + ".bias"), **settings)


def batch_norm(w, name, x):
    return F.batch_norm(x, w[name + ".running_mean"], w[name + ".running_var"], w[name + ".weight"],
                        w[name + ".bias"], eps=float(np.float32(1e-5)))


def layer_norm(w, name, x):
    last = F.layer_norm(x.movedim(1, -1), (x.shape[1],), w[name + ".weight"], w[name + ".bias"],
                        float(np.float32(1e-6)))
    return last.movedim(-1, 1)


def colours(w, image):
    return (image - w["normalise.mean"]) / w["normalise.deviation"]


def resnet(depths, bottleneck):
    def features(w, image):
        x = F.relu(batch_norm(w, "bn1", conv(w, "conv1", colours(w, image), stride=2, padding=3)))
        x = F.max_pool2d(x, 3, 2, 1)
        for layer, depth in enumerate(depths, 1):
            for block in range(depth):
                p, stride = f"layer{layer}.{block}.", 2 if layer > 1 and block == 0 else 1
                last = 3 if bottleneck else 2
                y = x
                for i in range(1, last + 1):
                    square = i == 2 or not bottleneck
                    strided = stride if i == (2 if bottleneck else 1) else 1
                    y = batch_norm(w, f"{p}bn{i}", conv(w, f"{p}conv{i}", y, stride=strided, padding=int(square)))
                    y = y if i == last else F.relu(y)
                if p + "downsample.0.weight" in w:
                    x = batch_norm(w, p + "downsample.1", conv(w, p + "downsample.0", x, stride=stride))
                x = F.relu(y + x)
        return x
    return features


def mobilenet(w, image):
    def layer(name, x, **settings):
        return F.relu6(batch_norm(w, name + ".1", conv(w, name + ".0", x, **settings)))

    x, block, channels = layer("features.0", colours(w, image), stride=2, padding=1), 1, 32
    for expansion, out, repeats, first_stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                  (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(repeats):
            p, stride, y = f"features.{block}.conv.", first_stride if i == 0 else 1, x
            wide = int(expansion != 1)
            if wide:
                y = layer(p + "0", y)
            y = layer(f"{p}{wide}", y, stride=stride, padding=1, groups=channels * expansion)
            y = batch_norm(w, f"{p}{wide + 2}", conv(w, f"{p}{wide + 1}", y))
            x = x + y if stride == 1 and channels == out else y
            channels, block = out, block + 1
    return layer("features.18", x)


def convnext(w, image):
    x = layer_norm(w, "features.0.1", conv(w, "features.0.0", colours(w, image), stride=4))
    for stage, (channels, blocks) in enumerate([(96, 3), (192, 3), (384, 9), (768, 3)]):
        if stage > 0:
            x = layer_norm(w, f"features.{2 * stage}.0", x)
            x = conv(w, f"features.{2 * stage}.1", x, stride=2)
        for block in range(blocks):
            p = f"features.{2 * stage + 1}.{block}."
            y = layer_norm(w, p + "block.2", conv(w, p + "block.0", x, padding=3, groups=channels))
            y = conv(w, p + "block.5", F.gelu(conv(w, p + "block.3", y)))
            x = x + w[p + "layer_scale"] * y
    return x


def with_head(features, kind, linear, norm=None):
    def network(w, image):
        x = features(w, image)
        if kind == "segmentation":
            return F.interpolate(conv(w, "head", x), scale_factor=32, mode="bilinear", align_corners=False)
        pixels = x.flatten(2)
        if kind == "average":
            vector = pixels.mean(2)
        elif kind == "max":
            vector = pixels.amax(2)
        elif kind == "lse":
            vector = torch.logsumexp(pixels, 2) - math.log(pixels.shape[2])
        else:
            hidden = torch.tanh(conv(w, "attention.V", x)) * torch.sigmoid(conv(w, "attention.U", x))
            vector = (torch.softmax(conv(w, "attention.w", hidden).flatten(2), 2) * pixels).sum(2)
        if norm:
            vector = layer_norm(w, norm, vector)
        return F.linear(vector, w[linear + ".weight"], w[linear + ".bias"])
    return network


def unet(depth, norm, transpose):
    epsilon = float(np.float32(1e-5))

    def pair(w, name, x):
        for i in range(2):
            step = 2 if norm == "none" else 3
            x = conv(w, f"{name}.double_conv.{step * i}", x, padding=1)
            child = f"{name}.double_conv.{step * i + 1}"
            if norm == "batch":
                x = batch_norm(w, child, x)
            elif norm != "none":
                channels = x.shape[1]
                groups = channels if norm == "instance" else max(g for g in range(1, 9) if channels % g == 0)
                x = F.group_norm(x, groups, w[child + ".weight"], w[child + ".bias"], epsilon)
            x = F.relu(x)
        return x

    def network(w, image):
        levels = [pair(w, "inc", (255 - image) / 64)]
        for level in range(1, depth + 1):
            levels.append(pair(w, f"down{level}.maxpool_conv.1", F.max_pool2d(levels[-1], 2)))
        x = levels.pop()
        for level in range(1, depth + 1):
            up = f"up{level}.up"
            if transpose:
                x = F.conv_transpose2d(x, w[up + ".weight"], w[up + ".bias"], stride=2)
            else:  # the other way round than Swath: both are linear
                x = conv(w, up, F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False))
            x = pair(w, f"up{level}.conv", torch.cat([levels.pop(), x], 1))
        return conv(w, "outc.conv", x)
    return network


RESNET18 = resnet([2, 2, 2, 2], False)
NETWORKS = {f"resnet-18:outputs=3,head={head}": with_head(RESNET18, head, "fc")
            for head in ("average", "max", "lse", "attention", "segmentation")}
NETWORKS |= {
    "resnet-34:outputs=3": with_head(resnet([3, 4, 6, 3], False), "average", "fc"),
    "resnet-50:outputs=3": with_head(resnet([3, 4, 6, 3], True), "average", "fc"),
    "mobilenet-v2:outputs=3": with_head(mobilenet, "average", "classifier.1"),
    "convnext-tiny:outputs=3": with_head(convnext, "average", "classifier.2", "classifier.0"),
    "convnext-tiny:outputs=3,head=attention": with_head(convnext, "attention", "classifier.2", "classifier.0"),
    "unet:base=8,depth=3": unet(3, "none", True),
    "unet:base=8,depth=3,norm=batch": unet(3, "batch", True),
    "unet:base=12,depth=3,norm=group,up=resize": unet(3, "group", False),
    "unet:base=12,depth=3,norm=instance,outputs=3": unet(3, "instance", True),
}


def change_weights(path):
    """Writes the file again with other weights; returns all constants of floats by name."""
    model, rng, weights = onnx.load(path), np.random.default_rng(1), {}
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT:
            continue
        values, name = onnx.numpy_helper.to_array(tensor).copy(), tensor.name
        if name.endswith("layer_scale"):
            values = rng.uniform(-0.5, 0.5, values.shape).astype(np.float32)
        elif values.ndim == 1 and name.endswith((".weight", ".running_var")):
            values = rng.uniform(0.5, 1.5, values.shape).astype(np.float32)
        elif values.ndim == 1 and name.endswith((".bias", ".running_mean")):
            values = rng.uniform(-0.1, 0.1, values.shape).astype(np.float32)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, name))
        weights[name] = torch.tensor(values).double()
    onnx.save(model, path)
    return weights


def error(ours, theirs):
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def is_map(name):
    return "segmentation" in name or name.startswith("unet")


def judge(name, network, args):
    model, image_file = args.work / "model.onnx", args.work / "image"
    subprocess.run([args.swath, "model", name, "-o", model], check=True, stdout=subprocess.DEVNULL)
    weights = change_weights(model)
    image = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.float32)
    image.tofile(image_file)
    job = {"model": str(model), "image": str(image_file), "width": WIDTH, "height": HEIGHT, "strips": 2, "float64": True,
           "result": str(args.work / "result"), "gradients": str(args.work / "gradients")}
    if is_map(name):
        del job["gradients"]  # run_model's loss is one of slides
    (args.work / "jobs.json").write_text(json.dumps([job]))
    run = subprocess.run([args.run, args.work / "jobs.json"], check=True, capture_output=True, text=True)
    answer = json.loads(run.stdout)
    if "error" in answer:
        return math.inf, math.inf
    for weight_name, weight in weights.items():
        weight.requires_grad_(".running_" not in weight_name)
    output = network(weights, torch.tensor(image).double().permute(2, 0, 1)[None])
    result = np.fromfile(job["result"]).reshape(output.numel())
    outputs = error(result, output.detach().numpy().ravel())
    if is_map(name):
        return outputs, 0.0
    ((output - 1) ** 2).mean().backward()
    gradients, worst = np.split(np.fromfile(job["gradients"]),
                                np.cumsum([p["size"] for p in answer["parameters"]])[:-1]), 0.0
    for parameter, ours in zip(answer["parameters"], gradients):
        worst = max(worst, error(ours, weights[parameter["name"]].grad.numpy().ravel()))
    return outputs, worst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--swath", required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    failed = 0
    for name, network in NETWORKS.items():
        outputs, gradients = judge(name, network, args)
        passed = outputs <= (ROWS if is_map(name) else TOLERANCE) and gradients <= TOLERANCE
        failed += not passed
        figures = f"outputs {outputs:.1e}" + ("" if is_map(name) else f", gradients {gradients:.1e}")
        print(f"{'ok' if passed else 'FAILED'}  {name}: {figures}", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
