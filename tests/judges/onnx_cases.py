#!/usr/bin/python3
"""The ONNX project's operator cases, and trained networks with reference outputs, as judges of what Swath imports.

    onnx_cases.py --run PATH/run_model --data FOLDER/models --work FOLDER [--page docs/operators.md] [--write]

Every operator case either gives the reference's output, in one strip and in several, with gradients as PyTorch's, or
is refused with a reason. --page is the table of them; it must say what is found, or is written anew with --write.
"""

import argparse
import collections
import copy
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnx.numpy_helper
import torch

import torch_gradients as judge_torch

FORWARD_TOLERANCE = 1e-5  # of an operator case, of its largest output
NETWORK_TOLERANCE = 1e-4  # of a whole network
GRADIENT_TOLERANCE = 1e-9
# Functions of single values: cases of another rank are tried as images as well.
POINTWISE = ("Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Relu Selu Sigmoid Softplus Swish Tanh Erf Exp Mul "
             "Add Sub Div").split()

# Why a case of a two-dimensional image of floats is refused for good.
JUSTIFIED = {
    "test_batchnorm_epsilon_training_mode": "statistics over a batch of 2; Swath trains on one image at a time, and "
                                            "takes those of the image (--batchnorm image)",
    "test_layer_normalization_4d_axis0": "over the batch; the scale has one value a pixel",
    "test_layer_normalization_4d_axis1_expanded_ver18": "scale and bias have one value a pixel, which fixes the size of the image",
    "test_layer_normalization_4d_axis2": "over rows and columns with one scale a pixel, which fixes the size of the image",
    "test_layer_normalization_4d_axis2_expanded_ver18": "over rows and columns with one scale a pixel, which fixes the size of the image",
    "test_layer_normalization_4d_axis3": "over the columns of a row, with one scale a column",
    "test_layer_normalization_4d_axis3_expanded": "over the columns of a row, with one scale a column",
    "test_layer_normalization_4d_axis_negative_1_expanded": "over the columns of a row, with one scale a column",
    "test_layer_normalization_4d_axis_negative_1_expanded_ver18": "over the columns of a row, with one scale a column",
    "test_layer_normalization_4d_axis_negative_2": "over rows and columns with one scale a pixel, which fixes the size of the image",
    "test_layer_normalization_4d_axis_negative_2_expanded": "over rows and columns with one scale a pixel, which fixes the size of the image",
    "test_layer_normalization_4d_axis_negative_3": "scale and bias have one value a pixel, which fixes the size of the image",
    "test_layer_normalization_4d_axis_negative_3_expanded": "scale and bias have one value a pixel, which fixes the size of the image",
    "test_layer_normalization_4d_axis_negative_4_expanded": "over the batch; the scale has one value a pixel",
    "test_group_normalization_example_expanded": "the standard's own expansion, which reduces parts of channels; exporters "
                                                 "write GroupNormalization, or Reshape and InstanceNormalization, which are read",
    "test_resize_downsample_scales_cubic_align_corners": "cubic",
    "test_resize_downsample_scales_cubic_antialias": "cubic",
    "test_resize_downsample_sizes_cubic": "cubic",
    "test_resize_downsample_sizes_cubic_antialias": "cubic",
    "test_resize_upsample_scales_cubic": "cubic",
    "test_resize_upsample_scales_cubic_A_n0p5_exclude_outside": "cubic",
    "test_resize_upsample_scales_cubic_asymmetric": "cubic",
    "test_resize_tf_crop_and_resize": "crops by numbers that fix the region; PyTorch does not write it",
    "test_resize_tf_crop_and_resize_axes_2_3": "crops by numbers that fix the region; PyTorch does not write it",
    "test_resize_tf_crop_and_resize_axes_3_2": "crops by numbers that fix the region; PyTorch does not write it",
}


class Runner:
    """Collects jobs for run_model and runs them together."""

    def __init__(self, program, work):
        self.program, self.work, self.jobs = program, work, []

    def add(self, model, image, **options):
        """image: [channel, row, column]. Returns the number of the job."""
        number = len(self.jobs)
        path = self.work / f"{number}"
        if not isinstance(model, (str, pathlib.Path)):
            onnx.save(model, f"{path}.onnx")
            model = f"{path}.onnx"
        np.ascontiguousarray(image.transpose(1, 2, 0)).astype(np.float32).tofile(f"{path}.image")
        job = {"model": str(model), "image": f"{path}.image", "width": image.shape[2], "height": image.shape[1],
               "result": f"{path}.result", **options}
        if options.get("gradients"):
            job["gradients"] = f"{path}.gradients"
            del job["result"]
        self.jobs.append(job)
        return number

    def run(self):
        (self.work / "jobs.json").write_text(json.dumps(self.jobs))
        done = subprocess.run([self.program, str(self.work / "jobs.json")], capture_output=True, text=True, check=False)
        self.answers = [json.loads(line) for line in done.stdout.splitlines()]
        if done.returncode != 0 or len(self.answers) != len(self.jobs):
            raise SystemExit(f"run_model stopped after job {len(self.answers)} of {len(self.jobs)}: "
                             f"{done.stderr.strip()} {self.jobs[len(self.answers)]['model']}")

    def result(self, number):
        return np.fromfile(self.jobs[number]["result"])

    def gradients(self, number):
        return np.fromfile(self.jobs[number]["gradients"])


def load_tensor(path):
    return onnx.numpy_helper.to_array(onnx.load_tensor(str(path)))


def with_constants(model, inputs):
    """The model with every input but the first one as an initialiser."""
    model = copy.deepcopy(model)
    graph = model.graph
    for info, value in list(zip(graph.input, inputs))[1:]:
        graph.initializer.append(onnx.numpy_helper.from_array(value, info.name))
    del graph.input[1:]
    return model


def set_dims(info, dims):
    shape = info.type.tensor_type.shape
    del shape.dim[:]
    for dim in dims:
        shape.dim.add().dim_value = dim


def with_layers_around(model, channels, is_map, out_channels):
    """A trainable convolution before the operator, whose gradient is the operator's; and if it gives a map, a
    convolution and a pooling after it, so that every pixel of its gradient is another one."""
    model = copy.deepcopy(model)
    graph = model.graph
    rng = np.random.default_rng(1)
    name, output = graph.input[0].name, graph.output[0].name
    for node in graph.node:
        for i, used in enumerate(node.input):
            if used == name:
                node.input[i] = "judge.pre"
    weights = np.eye(channels) + 0.1 * rng.normal(size=(channels, channels))
    constants = {"judge.weight": weights.reshape(channels, channels, 1, 1), "judge.bias": 0.1 * rng.normal(size=channels)}
    graph.node.insert(0, onnx.helper.make_node("Conv", [name, "judge.weight", "judge.bias"], ["judge.pre"], "judge.pre"))
    del graph.output[1:]
    if is_map:
        constants["judge.after"] = rng.normal(size=(2, out_channels, 3, 3)) / 3
        graph.node.extend([
            onnx.helper.make_node("Conv", [output, "judge.after"], ["judge.y"], "judge.after", pads=[1, 1, 1, 1]),
            onnx.helper.make_node("Tanh", ["judge.y"], ["judge.t"], "judge.tanh"),
            onnx.helper.make_node("GlobalAveragePool", ["judge.t"], ["judge.out"], "judge.pool")])
        graph.output[0].name = "judge.out"
        set_dims(graph.output[0], [1, 2, 1, 1])
    for key, value in constants.items():
        graph.initializer.append(onnx.numpy_helper.from_array(value.astype(np.float32), key))
    return model


def torch_gradients(model, image, names):
    """Loss and gradients of Σ (output - 1)² / n in float64, or None where PyTorch has no such operator."""
    values = {model.graph.input[0].name: torch.tensor(image[None].astype(np.float64))}
    for initialiser in model.graph.initializer:
        array = onnx.numpy_helper.to_array(initialiser)
        values[initialiser.name] = torch.tensor(array.astype(np.float64) if array.dtype == np.float32 else array)
    parameters = [values[name].requires_grad_(True) for name in names]
    try:
        output = judge_torch.run_model(model.graph, values)
    except (TypeError, KeyError, AssertionError):  # an attribute that the judge does not know
        return None
    loss = ((output - 1) ** 2).mean()
    loss.backward()
    return loss.item(), [np.zeros(p.shape) if p.grad is None else p.grad.numpy() for p in parameters]


class Case:
    """An operator case: what the file says, the jobs that were made of it, and what came of them."""

    def __init__(self, folder, runner, lifted=False):
        self.name, self.lifted = folder.name, lifted
        self.model = onnx.load(str(folder / "model.onnx"))
        data = folder / "test_data_set_0"
        self.operator = next((n.op_type for n in self.model.graph.node), "")
        self.opset = next(o.version for o in self.model.opset_import if o.domain in ("", "ai.onnx"))
        self.expected = self.inputs = None
        info = self.model.graph.input[0].type.tensor_type
        self.is_float = self.model.graph.input[0].type.HasField("tensor_type") and info.elem_type == onnx.TensorProto.FLOAT
        try:
            count = len(self.model.graph.input)
            self.inputs = [load_tensor(data / f"input_{i}.pb") for i in range(count)]
            self.expected = load_tensor(data / "output_0.pb")
        except Exception:  # sequences and the like, which the import refuses
            pass
        rank = len(info.shape.dim)
        if lifted:
            rank = 4
            lift = lambda a: a.reshape((1,) * (4 - a.ndim) + a.shape)
            self.inputs = [lift(self.inputs[0])] + self.inputs[1:]
            set_dims(self.model.graph.input[0], self.inputs[0].shape)
            set_dims(self.model.graph.output[0], lift(self.expected).shape)
            self.expected = lift(self.expected)
        self.image_case = rank == 4 and self.is_float and self.inputs is not None
        self.jobs, self.gradient_job = [], None
        self.add_jobs(runner)

    def add_jobs(self, runner):
        if not self.image_case:
            model = self.model if self.inputs is None else with_constants(self.model, self.inputs)
            self.jobs.append([runner.add(model, np.zeros((1, 1, 1)), output=self.model.graph.output[0].name)])
            return
        batch = self.inputs[0]
        self.single = with_constants(self.model, self.inputs)
        # Images of a batch are apart, but for its statistics.
        together = any(a.name == "training_mode" and a.i for node in self.model.graph.node for a in node.attribute)
        set_dims(self.single.graph.input[0], (len(batch) if together else 1,) + batch.shape[1:])
        for output in self.single.graph.output:
            del output.type.tensor_type.shape.dim[:]
        for strips in (1, 3):
            self.jobs.append([runner.add(self.single, image, strips=strips, output=self.model.graph.output[0].name)
                              for image in batch])

    def judge_forward(self, runner):
        answers = [runner.answers[n] for numbers in self.jobs for n in numbers]
        errors = [a["error"] for a in answers if "error" in a]
        if errors:
            self.state, self.reason = "refused", errors[0].split(": ", 1)[-1]
            return
        largest = max(np.abs(self.expected).max(), 1e-30) if self.expected.size else 1.0
        self.state, self.error = "passes", 0.0
        for numbers in self.jobs:
            found = np.concatenate([runner.result(n) for n in numbers])
            if found.size != self.expected.size:
                self.state, self.reason = "FAILS", f"{found.size} values, expected {self.expected.size}"
                return
            self.error = max(self.error, np.abs(found - self.expected.ravel()).max() / largest)
        if not self.error <= FORWARD_TOLERANCE:
            self.state, self.reason = "FAILS", f"differs by {self.error:.1e}"

    def add_gradient_job(self, runner):
        if self.state != "passes":
            return
        answer = self.first_answers[self.jobs[0][0]]
        self.around = with_layers_around(self.single, self.inputs[0].shape[1], not answer["in_core"], answer["shape"][0])
        self.gradient_job = runner.add(self.around, self.inputs[0][0], gradients=True, strips=2, panels=2, float64=True)

    def judge_gradient(self, runner):
        self.gradient = None
        if self.gradient_job is None:
            return
        answer = runner.answers[self.gradient_job]
        if "error" in answer:
            self.state, self.reason = "FAILS", "gradient: " + answer["error"]
            return
        known = {i.name for i in self.around.graph.initializer}
        names = [p["name"] for p in answer["parameters"]]
        if not set(names) <= known:
            self.gradient = "—"
            return
        expected = torch_gradients(self.around, self.inputs[0][0], names)
        if expected is None:
            self.gradient = "—"
            return
        found, at = runner.gradients(self.gradient_job), 0
        worst = abs(expected[0] - answer["loss"]) / max(abs(expected[0]), 1e-6)
        largest = max((np.abs(g).max() for g in expected[1] if g.size), default=0)
        for gradient in expected[1]:
            ours = found[at: at + gradient.size]
            at += gradient.size
            scale = max(np.abs(gradient).max(), 1e-5 * largest, 1e-12)
            worst = max(worst, np.abs(ours - gradient.ravel()).max() / scale)
        self.gradient = worst
        if not worst <= GRADIENT_TOLERANCE:
            self.state, self.reason = "FAILS", f"gradient differs by {worst:.1e}"


def run_operator_cases(arguments):
    folders = sorted((arguments.data / "onnx-node").iterdir())
    runner = Runner(arguments.run, arguments.work)
    cases = [Case(folder, runner) for folder in folders]
    for case in list(cases):
        single = len(case.model.graph.node) == 1 and case.operator in POINTWISE
        if not case.image_case and single and case.is_float and case.expected is not None and case.expected.ndim < 4:
            cases.append(Case(arguments.data / "onnx-node" / case.name, runner, lifted=True))
    runner.run()
    for case in cases:
        case.first_answers = runner.answers
        case.judge_forward(runner)
    work = arguments.work / "gradients"
    work.mkdir(exist_ok=True)
    second = Runner(arguments.run, work)
    for case in cases:
        case.add_gradient_job(second)
    second.run()
    for case in cases:
        case.judge_gradient(second)
    return cases


# Trained networks.


def network_jobs(runner, data):
    """(name, jobs, expected or None) for every network."""
    networks = []

    def add(name, model, image, expected, **options):
        numbers = [runner.add(model, image, strips=strips, **options) for strips in (1, 4)]
        networks.append((name, numbers, expected))

    trained = data / "trained"
    for folder in sorted(trained.glob("*_ref")):
        model = trained / (folder.name[:-4] + ".onnx")
        image = np.load(folder / "input.npy")[0]
        outputs = [o.name for o in onnx.load(str(model)).graph.output]
        for name in outputs:
            path = folder / f"output_{name}.npy"
            add(f"{model.stem} {name}", model, image, np.load(path), output=name)
    rng = np.random.default_rng(3)
    for stem, shape in (("conv", (16, 8, 8)), ("residual_block", (3, 224, 224))):
        path = trained / f"{stem}.onnx"
        image = rng.normal(size=shape).astype(np.float32)
        model = onnx.load(str(path))
        values = {model.graph.input[0].name: torch.tensor(image[None].astype(np.float64))}
        for initialiser in model.graph.initializer:
            values[initialiser.name] = torch.tensor(onnx.numpy_helper.to_array(initialiser).astype(np.float64))
        inputs = [i.name for i in model.graph.input if i.name not in {t.name for t in model.graph.initializer}]
        values[inputs[0]] = torch.tensor(image[None].astype(np.float64))
        with torch.no_grad():
            add(stem, path, image, judge_torch.run_model(model.graph, values).numpy())
    for path in sorted((data / "onnx-light").glob("*.onnx")):
        expected = load_tensor(path.parent / f"{path.stem}_output_0.pb")
        add(path.stem, path, rng.uniform(size=(3, 224, 224)).astype(np.float32), expected)
    return networks


def run_networks(arguments):
    work = arguments.work / "networks"
    work.mkdir(exist_ok=True)
    runner = Runner(arguments.run, work)
    networks = network_jobs(runner, arguments.data)
    runner.run()
    failed = []
    for name, numbers, expected in networks:
        worst = 0.0
        for number in numbers:
            answer = runner.answers[number]
            if "error" in answer:
                worst = answer["error"]
                break
            found = runner.result(number)
            if found.size != expected.size:
                worst = f"{found.size} values, expected {expected.size}"
                break
            worst = max(worst, np.abs(found - expected.ravel()).max() / np.abs(expected).max())
        good = not isinstance(worst, str) and worst <= NETWORK_TOLERANCE
        print(f"  {name:<48} {worst if isinstance(worst, str) else f'{worst:.1e}'}{'' if good else '  DIFFERS'}")
        if not good:
            failed.append(name)
    print(f"{len(networks)} outputs of trained networks, in 1 strip and in 4, allowed {NETWORK_TOLERANCE:g}")
    return failed


# The page.


def page_of(cases):
    lines = ["# Operators", "",
             "What became of the ONNX project's operator cases, written by `scripts/operators-table`. *Forward*: cases",
             "that give the reference's output to 1e-5 in one strip and in three. *Backward*: how many of them were held",
             "against PyTorch's gradients in float64 in two strips and two panels, to 1e-9; the others PyTorch has not, or",
             "the judge does not know. *Lifted* cases are of another rank, and were run as images.", "",
             "| operator | opsets | forward | lifted | backward | refused |", "|---|---|---|---|---|---|"]
    by_operator = collections.defaultdict(list)
    for case in cases:
        expanded = "expanded" in case.name
        key = f"{case.name.split('_expanded')[0][5:].split('_')[0]} (expanded)" if expanded else case.operator
        by_operator[key].append(case)
    for operator in sorted(by_operator, key=str.lower):
        group = by_operator[operator]
        passing = [c for c in group if c.state == "passes"]
        judged = [c for c in passing if isinstance(c.gradient, float)]
        refused = [c for c in group if c.state == "refused"]
        opsets = sorted({c.opset for c in group})
        count = lambda cs: str(len(cs)) if cs else ""
        lines.append(f"| {operator} | {', '.join(map(str, opsets))} | {count([c for c in passing if not c.lifted])} | "
                     f"{count([c for c in passing if c.lifted])} | {count(judged)} | {count(refused)} |")
    lines += ["", "## Refused cases of two-dimensional images of floats", "",
              "| case | why | the message |", "|---|---|---|"]
    for case in cases:
        if case.image_case and case.state == "refused" and not case.lifted:
            lines.append(f"| {case.name[5:]} | {JUSTIFIED.get(case.name, '')} | {escape(case.reason)} |")
    lines += ["", "## Refused cases of other ranks and types", "",
              "Swath's images have two dimensions, and float32 inside the network.", "", "| case | the message |", "|---|---|"]
    for case in cases:
        if not case.image_case and case.state == "refused":
            lines.append(f"| {case.name[5:]} | {escape(case.reason)} |")
    return "\n".join(lines) + "\n"


def escape(text):
    text = text.split("supported operators are")[0].rstrip("; ")
    return text.replace("|", "\\|")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, help="the program run_model")
    parser.add_argument("--data", required=True, type=pathlib.Path, help="folder of models")
    parser.add_argument("--work", required=True, type=pathlib.Path, help="folder for its files")
    parser.add_argument("--page", type=pathlib.Path, help="the page that says what was found")
    parser.add_argument("--write", action="store_true", help="write the page")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"skipped: {arguments.data} is not there")
        return 0
    arguments.work.mkdir(parents=True, exist_ok=True)
    cases = run_operator_cases(arguments)
    failed = []
    for case in cases:
        unjustified = case.state == "refused" and case.image_case and not case.lifted and case.name not in JUSTIFIED
        if case.state == "FAILS" or unjustified:
            failed.append(case.name)
        label = case.name + (" (lifted)" if case.lifted else "")
        detail = case.reason if case.state != "passes" else f"{case.error:.1e}"
        gradient = "" if case.state != "passes" else f"  gradient {case.gradient if not isinstance(case.gradient, float) else f'{case.gradient:.1e}'}"
        if case.state == "FAILS" or unjustified or case.state == "passes":
            print(f"  {label:<70} {case.state:<8} {detail}{gradient}{'  NOT JUSTIFIED' if unjustified else ''}")
    states = collections.Counter(c.state for c in cases)
    judged = sum(isinstance(c.gradient, float) for c in cases)
    print(f"{len(cases)} operator cases: {dict(states)}; {judged} gradients held against PyTorch")
    failed += run_networks(arguments)
    if arguments.page:
        page = page_of(cases)
        if arguments.write:
            arguments.page.write_text(page)
        elif arguments.page.read_text() != page:
            print(f"{arguments.page} does not say what was found; run scripts/operators-table", file=sys.stderr)
            return 1
    if failed:
        print(f"{len(failed)} fail: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
