#!/usr/bin/python3
"""The peer of wide networks: one training step in core with PyTorch (Debian's python3-torch), one image, no tiling.

usage: pytorch_wide.py NETWORK WIDTH HEIGHT STEPS THREADS [checkpoint]

NETWORK: unet (base 32, four levels) or resnet-18 (with a head of segmentation), as `swath model` has them, BatchNorm
frozen. With `checkpoint` every block of two convolutions is computed again on the way back instead of being kept. Prints
a line of JSON: the median of seconds over STEPS, after one that is not counted, and the peak of resident memory.
"""
import json
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint


def pair(src, dst):
    return nn.Sequential(nn.Conv2d(src, dst, 3, padding=1), nn.ReLU(), nn.Conv2d(dst, dst, 3, padding=1), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, run, base=32, depth=4):
        super().__init__()
        self.run, widths = run, [base << level for level in range(depth + 1)]
        self.down = nn.ModuleList([pair(3, base)] + [pair(a, b) for a, b in zip(widths, widths[1:])])
        self.ups = nn.ModuleList([nn.ConvTranspose2d(b, a, 2, 2) for a, b in zip(widths, widths[1:])])
        self.up = nn.ModuleList([pair(2 * a, a) for a in widths[:-1]])
        self.out = nn.Conv2d(base, 1, 1)

    def forward(self, x):
        levels = []
        for level, block in enumerate(self.down):
            x = self.run(block, F.max_pool2d(x, 2) if level else x)
            levels.append(x)
        x = levels.pop()
        for ups, block in zip(reversed(self.ups), reversed(self.up)):
            x = self.run(block, torch.cat([levels.pop(), ups(x)], 1))
        return self.out(x)


class Norm(nn.Module):
    """BatchNorm with running statistics that stay."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("variance", torch.ones(channels))

    def forward(self, x):
        return F.batch_norm(x, self.mean, self.variance, self.weight, self.bias)


class Block(nn.Module):
    def __init__(self, src, dst, stride):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(src, dst, 3, stride, 1, bias=False), Norm(dst), nn.ReLU(),
                                  nn.Conv2d(dst, dst, 3, 1, 1, bias=False), Norm(dst))
        self.side = nn.Identity()
        if stride > 1:
            self.side = nn.Sequential(nn.Conv2d(src, dst, 1, stride, bias=False), Norm(dst))

    def forward(self, x):
        return torch.relu(self.body(x) + self.side(x))


class ResNet18(nn.Module):
    def __init__(self, run):
        super().__init__()
        self.run = run
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), Norm(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        widths = [64, 64, 128, 256, 512]
        self.blocks = nn.ModuleList(block for i, (a, b) in enumerate(zip(widths, widths[1:]))
                                    for block in (Block(a, b, 1 if i == 0 else 2), Block(b, b, 1)))
        self.head = nn.Conv2d(512, 1, 1)

    def forward(self, x):
        x = self.run(self.stem, x)
        for block in self.blocks:
            x = self.run(block, x)
        return F.interpolate(self.head(x), scale_factor=32, mode="bilinear", align_corners=False)


def main():
    network, width, height, steps, threads = sys.argv[1], *map(int, sys.argv[2:6])
    again = sys.argv[6:] == ["checkpoint"]
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    run = (lambda block, x: checkpoint(block, x, use_reentrant=False)) if again else (lambda block, x: block(x))
    net = {"unet": UNet, "resnet-18": ResNet18}[network](run)
    image, mask = torch.rand(1, 3, height, width), (torch.rand(1, 1, height, width) > 0.5).float()
    optimizer, seconds = torch.optim.SGD(net.parameters(), 1e-3), []
    for _ in range(steps + 1):
        start = time.time()
        optimizer.zero_grad()
        F.binary_cross_entropy_with_logits(net(image), mask).backward()
        optimizer.step()
        seconds.append(time.time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"step_seconds": statistics.median(seconds[1:]), "peak_rss_mib": peak,
                      "parameters": sum(p.numel() for p in net.parameters())}))


if __name__ == "__main__":
    main()
