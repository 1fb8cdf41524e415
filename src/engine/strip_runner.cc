#include "engine/strip_runner.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/node_seed.h"
#include "base/seconds_since.h"
#include "kernels/rows.h"

namespace swath {
namespace {

/// How many input rows pass between two reports of progress.
constexpr int64_t kProgressRows = 64;

void FromSamples(const InputView& view, const uint8_t* src, int64_t width, float* const* dst) {
  rows::FromBytes(src, static_cast<int64_t>(view.scale.size()), width, view.float_zero.data(),
                  view.float_scale.data(), dst);
}

void FromSamples(const InputView& view, const float* src, int64_t width, float* const* dst) {
  const size_t channels = view.scale.size();
  for (int64_t x = 0; x < width; ++x) {
    for (size_t c = 0; c < channels; ++c) dst[c][x] = (*src++ - view.float_zero[c]) * view.float_scale[c];
  }
}

template <class Sample>
void FromSamples(const InputView& view, const Sample* src, int64_t width, double* const* dst) {
  const size_t channels = view.scale.size();
  for (int64_t x = 0; x < width; ++x) {
    for (size_t c = 0; c < channels; ++c)
      dst[c][x] = static_cast<double>(*src++) * view.scale[c] + view.shift[c];
  }
}

}  // namespace

StripSums::StripSums(const Prepared& p, const Objective& objective)
    : prepared(&p), states(static_cast<size_t>(p.state_size)) {
  if (objective.pixels) loss.resize(static_cast<size_t>(objective.pixels->sums()));
  gradients.resize(static_cast<size_t>(p.plan.cotangents));
  for (const CoreTensor& core : p.program.cores)
    diff_cores.push_back(objective && core.needs_gradient ? Tensor(core.shape) : Tensor());
}

void StripSums::Clear() {
  std::fill(loss.begin(), loss.end(), 0.0);
  for (auto& of_cotangent : gradients) {
    of_cotangent.resize(prepared->gradient_sizes.size());
    for (size_t p = 0; p < of_cotangent.size(); ++p)
      of_cotangent[p].assign(static_cast<size_t>(prepared->gradient_sizes[p]), 0.0);
  }
  for (Tensor& diff : diff_cores) std::fill(diff.values.begin(), diff.values.end(), 0.0);
  for (size_t i = 0; i < prepared->program.ops.size(); ++i) {
    const Op& op = prepared->program.ops[i];
    if (op.reduction)
      op.reduction->Clear(prepared->SourceShapes(op), states.data() + prepared->state_offsets[i]);
  }
}

void StripSums::Add(const StripSums& other) {
  for (size_t i = 0; i < loss.size(); ++i) loss[i] += other.loss[i];
  for (size_t k = 0; k < gradients.size(); ++k) {
    for (size_t p = 0; p < gradients[k].size(); ++p) {
      for (size_t i = 0; i < gradients[k][p].size(); ++i) gradients[k][p][i] += other.gradients[k][p][i];
    }
  }
  for (size_t c = 0; c < diff_cores.size(); ++c) {
    for (size_t i = 0; i < diff_cores[c].values.size(); ++i)
      diff_cores[c].values[i] += other.diff_cores[c].values[i];
  }
  for (size_t i = 0; i < prepared->program.ops.size(); ++i) {
    const Op& op = prepared->program.ops[i];
    const int64_t at = prepared->state_offsets[i];
    if (op.reduction)
      op.reduction->Merge(prepared->SourceShapes(op), other.states.data() + at, states.data() + at);
  }
}

template <class T>
StripRunner<T>::StripRunner(const Prepared& prepared, const PanelKernels<T>& kernels,
                            const Objective& objective, StripSums* sums)
    : prepared_(prepared),
      kernels_(kernels),
      loss_(objective.pixels),
      sums_(sums),
      input_(kernels.InputLayout(prepared)) {
  const Program& program = prepared.program;
  TakeProfile();
  const size_t tensors = program.tensors.size(), cotangents = static_cast<size_t>(prepared.plan.cotangents);
  values_.resize(tensors);
  compact_.resize(tensors);
  gradients_.resize(cotangents);
  for (auto& rings : gradients_) rings.resize(tensors);
  for (size_t t = 1; t < tensors; ++t) {
    const TensorPlan& plan = prepared.plan.tensors[t];
    const int tensor = static_cast<int>(t);
    if (prepared.compact[t]) {
      compact_[t] = RowRing<BFloat16>(kernels.template Layout<BFloat16>(prepared, tensor, plan.value_rows));
    } else {
      values_[t] = Ring(kernels.template Layout<T>(prepared, tensor, plan.value_rows));
    }
    for (auto& rings : gradients_)
      rings[t] = Ring(kernels.template Layout<T>(prepared, tensor, plan.gradient_rows));
  }
  for (const ViewUse& use : prepared.views)
    views_.emplace_back(kernels.template Layout<T>(prepared, use.tensor, use.capacity));
  written_ = AlignedBuffer<T>(kernels.WrittenValues(prepared));
  if (prepared.plan.team > 1) team_ = std::make_unique<Team>(prepared.plan.team);
  for (const auto& kernel : kernels.kernels) {
    workspaces_.push_back(kernel ? kernel->MakeWorkspace() : nullptr);
    if (workspaces_.back()) workspaces_.back()->team = team_.get();
  }
  arguments_.resize(program.ops.size());
  for (size_t i = 0; i < program.ops.size(); ++i) {
    arguments_[i].src_pointers.resize(program.ops[i].srcs.size());
    arguments_[i].diff_src_pointers.resize(program.ops[i].srcs.size());
    arguments_[i].shapes = prepared.SourceShapes(program.ops[i]);
    seeds_.push_back(HashName(program.ops[i].name));
  }
  FindGated();
  if (!loss_) return;
  const int64_t width = kernels.panel->owned.size();
  labels_.resize(static_cast<size_t>(width));
  loss_scratch_.resize(static_cast<size_t>(loss_->scratch_bytes(width)));
}

template <class T>
void StripRunner<T>::FindGated() {
  const Program& program = prepared_.program;
  gated_.assign(program.tensors.size(), false);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const Op& op = program.ops[i];
    if (!op.pulls || !kernels_.kernels[i]->applies_gates()) continue;
    std::vector<int> tensors;  // that have a gradient
    for (const SourcePart& part : op.srcs[0].parts) {
      if (program.tensors[static_cast<size_t>(part.tensor)].needs_gradient) tensors.push_back(part.tensor);
    }
    const bool all = std::all_of(tensors.begin(), tensors.end(), [&](int t) {
      const Activation* activation = OpAt(program.writer[static_cast<size_t>(t)]).activation;
      return activation && activation->type() == "Relu" && !IsCompact(t);
    });
    for (const int t : tensors) gated_[static_cast<size_t>(t)] = all;
  }
}

template <class T>
void StripRunner<T>::Run(const Job& job) {
  Reset(*job.strip);
  Schedule schedule(prepared_.program, *job.sweep, *job.strip);
  int64_t read = 0;
  lap_ = std::chrono::steady_clock::now();
  for (Work work = schedule.Next(); work.kind != Work::Kind::kDone; work = schedule.Next()) {
    const bool reduction = work.op >= 0 && OpAt(work.op).reduction;
    switch (work.kind) {
      case Work::Kind::kInput:
        ReadInput(job.image, work.rows.begin);
        Lap(&profile_.decode_seconds);
        if (++read == kProgressRows && job.progress) job.progress(std::exchange(read, 0));
        break;
      case Work::Kind::kForward:
        if (reduction) {
          Reduce(job, schedule, work.op, work.rows.begin);
        } else {
          Forward(job, schedule, work.op, work.rows);
        }
        Lap(&profile_.ops[static_cast<size_t>(work.op)].forward_seconds);
        break;
      case Work::Kind::kBackward:
        if (reduction) {
          BackwardReduction(job, schedule, work.op, work.rows.begin);
        } else {
          Backward(job, schedule, work.op, work.rows);
        }
        Lap(&profile_.ops[static_cast<size_t>(work.op)].backward_seconds);
        break;
      case Work::Kind::kDone:
        break;
    }
    if (work.op >= 0 && workspaces_[static_cast<size_t>(work.op)]) {
      profile_.ops[static_cast<size_t>(work.op)].skipped +=
          std::exchange(workspaces_[static_cast<size_t>(work.op)]->skipped, 0);
    }
    schedule.Commit(work);
    Release(schedule, work);
  }
  if (job.progress) job.progress(read);
}

template <class T>
Profile StripRunner<T>::TakeProfile() {
  Profile none;
  none.ops.resize(prepared_.program.ops.size());
  return std::exchange(profile_, std::move(none));
}

template <class T>
void StripRunner<T>::Reset(const Strip& strip) {
  if (team_) team_->Drop();  // of a strip that failed
  input_.Reset(strip.rows[0].begin);
  for (size_t t = 0; t < values_.size(); ++t) {
    values_[t].Reset(strip.rows[t].begin);
    compact_[t].Reset(strip.rows[t].begin);
    for (auto& rings : gradients_) rings[t].Reset(strip.rows[t].begin);
  }
  for (size_t i = 0; i < views_.size(); ++i)
    views_[i].Reset(strip.rows[static_cast<size_t>(prepared_.views[i].tensor)].begin);
  for (auto& workspace : workspaces_) {
    if (workspace) workspace->Reset();
  }
}

template <class T>
void StripRunner<T>::Lap(double* seconds) {
  // All threads of the team have it, whether they help or not.
  *seconds += static_cast<double>(prepared_.plan.team) *
              SecondsSince(std::exchange(lap_, std::chrono::steady_clock::now()));
}

template <class T>
void StripRunner<T>::ReadInput(RowSource* image, int64_t row) {
  input_.Open();
  image->Read({row, row + 1}, input_.Row(row, 0));
}

template <class T>
void StripRunner<T>::Convert(const ViewUse& use, int64_t row, Ring* ring) {
  ring->Open();
  if (use.view < 0) {
    if constexpr (std::is_same_v<T, float>) {
      for (int64_t c = 0; c < ring->layout().channels; ++c)
        rows::Widen(Compact(use.tensor).Row(row, c), ring->layout().width, ring->Row(row, c));
    }
    return;
  }
  const InputView& view = prepared_.program.views[static_cast<size_t>(use.view)];
  std::vector<T*> dst;
  for (int64_t c = 0; c < ring->layout().channels; ++c) dst.push_back(ring->Row(row, c));
  const uint8_t* samples = input_.Row(row, 0);
  if (prepared_.plan.options.samples == SampleType::kUint8) {
    FromSamples(view, samples, ring->layout().width, dst.data());
  } else {
    FromSamples(view, reinterpret_cast<const float*>(samples), ring->layout().width, dst.data());
  }
}

template <class T>
RowRing<T>& StripRunner<T>::ViewRows(int op, const SourcePart& part, bool backward, Range rows) {
  size_t i = 0;
  const auto is_it = [&](const ViewUse& use) {
    return use.op == op && use.tensor == part.tensor && use.view == part.view &&
           (backward ? use.backward : use.forward);
  };
  while (!is_it(prepared_.views[i])) ++i;
  Ring& ring = views_[i];
  // Those between are not read; those before are, once more, where a front has fallen behind.
  if (rows.begin > ring.live().end || rows.begin < ring.live().begin) ring.Reset(rows.begin);
  ring.Release(rows.begin);
  if (ring.live().end >= rows.end) return ring;
  Profile::Op& profile = profile_.ops[static_cast<size_t>(op)];
  Lap(backward ? &profile.backward_seconds : &profile.forward_seconds);
  while (ring.live().end < rows.end) Convert(prepared_.views[i], ring.live().end, &ring);
  Lap(&profile_.convert_seconds);
  return ring;
}

template <class T>
void StripRunner<T>::OpenWritten(int op, Range block, std::vector<T*>* pointers) {
  const int tensor = OpAt(op).dst;
  pointers->clear();
  for (int64_t y = block.begin; y < block.end; ++y) {
    if (!IsCompact(tensor)) {
      Ring& dst = Values(tensor);
      dst.Open();
      for (int64_t c = 0; c < dst.layout().channels; ++c) pointers->push_back(dst.Row(y, c));
      continue;
    }
    Compact(tensor).Open();
    const auto layout = kernels_.template Layout<T>(prepared_, tensor, block.size());
    T* row = written_.data() + (y - block.begin) * layout.channels * layout.pitch();
    for (int64_t c = 0; c < layout.channels; ++c) pointers->push_back(row + c * layout.pitch());
  }
}

template <class T>
void StripRunner<T>::KeepWritten(int op, Range block, const std::vector<T*>& pointers) {
  const int tensor = OpAt(op).dst;
  if (prepared_.plan.options.precision != Precision::kBFloat16 || tensor == prepared_.program.output) return;
  if constexpr (std::is_same_v<T, float>) {
    const int64_t width = Columns(tensor).size();
    const size_t channels = pointers.size() / static_cast<size_t>(block.size());
    for (size_t i = 0; i < pointers.size(); ++i) {
      if (IsCompact(tensor)) {
        const int64_t y = block.begin + static_cast<int64_t>(i / channels);
        rows::Round(pointers[i], width, Compact(tensor).Row(y, static_cast<int64_t>(i % channels)));
      } else {
        rows::RoundInPlace(pointers[i], width);
      }
    }
  }
}

template <class T>
const T* StripRunner<T>::Activated(int tensor, int64_t row, int64_t channel) {
  if (!IsCompact(tensor)) return Values(tensor).Row(row, channel);
  if constexpr (std::is_same_v<T, float>)
    rows::Widen(Compact(tensor).Row(row, channel), Columns(tensor).size(), written_.data());
  return written_.data();
}

template <class T>
void StripRunner<T>::ReleaseValues(int tensor, int64_t begin) {
  if (tensor == 0) {
    input_.Release(begin);
  } else if (IsCompact(tensor)) {
    Compact(tensor).Release(begin);
  } else {
    Values(tensor).Release(begin);
  }
}

template <class T>
void StripRunner<T>::BindSources(const Schedule& schedule, int index, Range dst, bool backward,
                                 std::vector<RowWindow<const T>>* windows) {
  const Op& op = OpAt(index);
  windows->clear();
  for (size_t s = 0; s < op.srcs.size(); ++s) {
    const OpSource& src = op.srcs[s];
    if (!src.streamed()) {
      windows->push_back({});
      continue;
    }
    std::vector<const T*>& pointers = arguments_[static_cast<size_t>(index)].src_pointers[s];
    const Range rows = schedule.SourceRows(op, src.parts[0].tensor, dst);
    const int64_t channels = arguments_[static_cast<size_t>(index)].shapes[s].channels;
    pointers.resize(static_cast<size_t>(rows.size() * channels));
    int64_t first = 0;
    for (const SourcePart& part : src.parts) {
      Ring& ring = part.view >= 0 || IsCompact(part.tensor) ? ViewRows(index, part, backward, rows)
                                                            : Values(part.tensor);
      const int64_t offset = Offset(index, part.tensor);
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        const T** out = pointers.data() + (r - rows.begin) * channels + first;
        for (int64_t c = part.channels.begin; c < part.channels.end; ++c) *out++ = ring.Row(r, c) + offset;
      }
      first += part.channels.size();
    }
    windows->push_back({rows, channels, SourceColumns(index).size(), pointers.data()});
  }
}

template <class T>
void StripRunner<T>::BindGradients(const Schedule& schedule, int index, Range dst,
                                   std::vector<Ring>* gradients, std::vector<RowWindow<T>>* windows) {
  const Op& op = OpAt(index);
  windows->clear();
  for (size_t s = 0; s < op.srcs.size(); ++s) {
    const OpSource& src = op.srcs[s];
    if (!src.streamed()) {
      windows->push_back({});
      continue;
    }
    std::vector<T*>& pointers = arguments_[static_cast<size_t>(index)].diff_src_pointers[s];
    const Range rows = schedule.GradientRows(op, src.parts[0].tensor, dst);
    const int64_t channels = arguments_[static_cast<size_t>(index)].shapes[s].channels;
    pointers.resize(static_cast<size_t>(rows.size() * channels));
    int64_t first = 0;
    for (const SourcePart& part : src.parts) {
      const bool needed = schedule.HasGradient(part.tensor);
      Ring& ring = (*gradients)[static_cast<size_t>(part.tensor)];
      if (needed && !rows.empty()) {
        // What is set need not be zero before, unless it has columns that the op does not read.
        const bool sets = op.pulls && ring.layout().width == SourceColumns(index).size();
        ring.OpenZeroed(sets ? rows.begin : rows.end);
        while (ring.live().end < rows.end) ring.Open();
      }
      const int64_t offset = Offset(index, part.tensor);
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        T** out = pointers.data() + (r - rows.begin) * channels + first;
        for (int64_t c = part.channels.begin; c < part.channels.end; ++c)
          *out++ = needed ? ring.Row(r, c) + offset : nullptr;
      }
      first += part.channels.size();
    }
    windows->push_back({rows, channels, SourceColumns(index).size(), pointers.data()});
  }
}

template <class T>
void StripRunner<T>::BindGates(int index, Range rows, std::vector<const T*>* gates) {
  gates->clear();
  const std::vector<SourcePart>& parts = OpAt(index).srcs[0].parts;
  const auto gated = [&](const SourcePart& part) { return gated_[static_cast<size_t>(part.tensor)]; };
  if (std::none_of(parts.begin(), parts.end(), gated)) return;
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    for (const SourcePart& part : parts) {
      for (int64_t c = part.channels.begin; c < part.channels.end; ++c)
        gates->push_back(gated(part) ? Values(part.tensor).Row(y, c) + Offset(index, part.tensor) : nullptr);
    }
  }
}

template <class T>
void StripRunner<T>::BindCores(const Job& job, int index, std::vector<const Tensor*>* cores) const {
  cores->clear();
  for (const OpSource& src : OpAt(index).srcs)
    cores->push_back(src.streamed() ? nullptr : &job.cores->values[static_cast<size_t>(src.core)]);
}

template <class T>
void StripRunner<T>::Forward(const Job& job, const Schedule& schedule, int index, Range rows) {
  const Op& op = OpAt(index);
  Arguments& arguments = arguments_[static_cast<size_t>(index)];
  OpenWritten(index, rows, &arguments.dst_pointers);
  ForwardRow<T>& row = arguments.forward;
  row.y = rows.begin;
  row.count = rows.size();
  row.dst = arguments.dst_pointers.data();
  row.seed = SeedOf(job.seed, seeds_[static_cast<size_t>(index)]);
  BindSources(schedule, index, rows, false, &row.srcs);
  BindCores(job, index, &row.cores);
  const RowKernel<T>& kernel = *kernels_.kernels[static_cast<size_t>(index)];
  kernel.Forward(row, workspaces_[static_cast<size_t>(index)].get());
  if (op.activation && !kernel.applies_relu()) {
    for (T* values : arguments.dst_pointers) op.activation->Forward(values, Columns(op.dst).size());
  }
  KeepWritten(index, rows, arguments.dst_pointers);
  if (!job.sweep->output || op.dst != prepared_.program.output) return;
  Lap(&profile_.ops[static_cast<size_t>(index)].forward_seconds);
  const int64_t channels = prepared_.program.output_shape().channels;
  for (int64_t y = rows.begin; y < rows.end; ++y) {
    if (job.strip->owned.contains(y))
      TakeOutput(job, schedule, y, arguments.dst_pointers.data() + (y - rows.begin) * channels);
  }
}

template <class T>
void StripRunner<T>::TakeOutput(const Job& job, const Schedule& schedule, int64_t y, T* const* logits) {
  const int output = prepared_.program.output;
  const Panel& panel = *kernels_.panel;
  const int64_t offset = panel.owned.begin - Columns(output).begin;
  const int64_t channels = prepared_.program.output_shape().channels;
  std::vector<const T*> owned;
  for (int64_t c = 0; c < channels; ++c) owned.push_back(logits[c] + offset);
  if (!job.labels) {
    job.sink(y, owned.data());
    return Lap(&profile_.output_seconds);
  }
  job.labels->Read({y, y + 1}, labels_.data());
  Lap(&profile_.decode_seconds);
  loss_pointers_.clear();
  const bool back = schedule.HasGradient(output);
  if (back) {
    for (auto& rings : gradients_) {
      Ring& ring = rings[static_cast<size_t>(output)];
      ring.OpenZeroed(y + 1);
      for (int64_t c = 0; c < channels; ++c) loss_pointers_.push_back(ring.Row(y, c) + offset);
    }
  }
  loss_->Row(LossRow<T>{.logits = owned.data(),
                        .labels = labels_.data(),
                        .width = panel.owned.size(),
                        .diff = back ? loss_pointers_.data() : nullptr,
                        .coefficients = job.coefficients},
             sums_->loss.data(), loss_scratch_.data());
  Lap(&profile_.loss_seconds);
}

template <class T>
void StripRunner<T>::Backward(const Job& job, const Schedule& schedule, int index, Range rows) {
  const Op& op = OpAt(index);
  Arguments& arguments = arguments_[static_cast<size_t>(index)];
  BackwardRow<T>& row = arguments.backward;
  row.y = rows.begin;
  row.count = rows.size();
  row.pulls = op.pulls;
  row.before = rows.begin - schedule.FirstSeen(op, rows.begin);
  row.seed = SeedOf(job.seed, seeds_[static_cast<size_t>(index)]);
  const Activation* activation = gated_[static_cast<size_t>(op.dst)] ? nullptr : op.activation;
  if (op.pulls) BindGates(index, schedule.GradientRows(op, op.any_part().tensor, rows), &arguments.gates);
  row.gates = arguments.gates.empty() ? nullptr : arguments.gates.data();
  row.srcs.clear();
  if (op.reads_src_backward()) BindSources(schedule, index, rows, true, &row.srcs);
  BindCores(job, index, &row.cores);
  row.diff_cores.clear();
  for (const OpSource& src : op.srcs) {
    const bool adds = !src.streamed() && job.sweep->adds_core[static_cast<size_t>(index)] &&
                      prepared_.program.cores[static_cast<size_t>(src.core)].needs_gradient;
    row.diff_cores.push_back(adds ? &sums_->diff_cores[static_cast<size_t>(src.core)] : nullptr);
  }
  for (size_t k = 0; k < gradients_.size(); ++k) {
    Ring& diff_dst = gradients_[k][static_cast<size_t>(op.dst)];
    diff_dst.OpenZeroed(rows.end);
    arguments.dst_pointers.clear();
    for (int64_t y = rows.begin - row.before; y < rows.end; ++y) {
      for (int64_t c = 0; c < diff_dst.layout().channels; ++c) {
        T* diff = diff_dst.Row(y, c);
        if (activation && y >= rows.begin)
          activation->Backward(Activated(op.dst, y, c), diff, diff_dst.layout().width);
        arguments.dst_pointers.push_back(diff);
      }
    }
    row.diff_dst = arguments.dst_pointers.data();
    BindGradients(schedule, index, rows, &gradients_[k], &row.diff_srcs);
    arguments.diff_parameters.clear();
    for (int p : op.parameters) {
      std::vector<double>& gradient = sums_->gradients[k][static_cast<size_t>(p)];
      arguments.diff_parameters.push_back(job.sweep->trains && !gradient.empty() ? gradient.data() : nullptr);
    }
    row.diff_parameters = arguments.diff_parameters.data();
    kernels_.kernels[static_cast<size_t>(index)]->Backward(row,
                                                           workspaces_[static_cast<size_t>(index)].get());
    diff_dst.Release(schedule.FirstSeen(op, rows.end));
  }
}

template <class T>
void StripRunner<T>::Reduce(const Job& job, const Schedule& schedule, int index, int64_t y) {
  Values(OpAt(index).dst).Open();
  if (job.sweep->goes_back()) return;  // the result is known
  Arguments& arguments = arguments_[static_cast<size_t>(index)];
  ReductionRow<T>& row = arguments.reduction;
  row.y = y;
  row.columns = Columns(OpAt(index).dst);
  BindSources(schedule, index, {y, y + 1}, false, &row.srcs);
  OpAt(index).reduction->AddRow(arguments.shapes, row, State(index, &sums_->states));
}

template <class T>
void StripRunner<T>::BackwardReduction(const Job& job, const Schedule& schedule, int index, int64_t y) {
  const Op& op = OpAt(index);
  Arguments& arguments = arguments_[static_cast<size_t>(index)];
  ReductionRow<T>& row = arguments.reduction;
  row.y = y;
  row.columns = Columns(op.dst);
  row.srcs.clear();
  if (op.reads_src_backward()) BindSources(schedule, index, {y, y + 1}, true, &row.srcs);
  BindGradients(schedule, index, {y, y + 1}, &gradients_[0], &row.diff_srcs);
  const size_t result = static_cast<size_t>(op.result);
  op.reduction->Backward(arguments.shapes, row,
                         {job.cores->states.data() + prepared_.state_offsets[static_cast<size_t>(index)],
                          job.cores->values[result], job.cores->diffs[result]});
}

template <class T>
void StripRunner<T>::Release(const Schedule& schedule, const Work& work) {
  if (work.kind == Work::Kind::kInput) {
    ReleaseValues(0, schedule.LiveValues(0).begin);
    return;
  }
  const Op& op = OpAt(work.op);
  ReleaseValues(op.dst, schedule.LiveValues(op.dst).begin);
  for (const OpSource& src : op.srcs) {
    for (const SourcePart& part : src.parts)
      ReleaseValues(part.tensor, schedule.LiveValues(part.tensor).begin);
  }
}

template class StripRunner<float>;
template class StripRunner<double>;

}  // namespace swath
