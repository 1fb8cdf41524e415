#include "engine/strip_runner.h"

#include <algorithm>
#include <utility>

#include "kernels/rows.h"

namespace swath {
namespace {

/// How many input rows pass between two reports of progress.
constexpr int64_t kProgressRows = 64;

void FromBytes(const InputView& view, const uint8_t* src, int64_t width, float* const* dst) {
  rows::FromBytes(src, static_cast<int64_t>(view.scale.size()), width, view.float_zero.data(),
                  view.float_scale.data(), dst);
}

void FromBytes(const InputView& view, const uint8_t* src, int64_t width, double* const* dst) {
  const size_t channels = view.scale.size();
  for (int64_t x = 0; x < width; ++x) {
    for (size_t c = 0; c < channels; ++c) dst[c][x] = *src++ * view.scale[c] + view.shift[c];
  }
}

}  // namespace

void StripSums::Clear() {
  std::fill(loss.begin(), loss.end(), 0.0);
  for (auto& buffer : gradients) std::fill_n(buffer.data(), buffer.size(), 0.0);
}

void StripSums::Add(const StripSums& other) {
  for (size_t i = 0; i < loss.size(); ++i) loss[i] += other.loss[i];
  for (size_t k = 0; k < gradients.size(); ++k) {
    for (int64_t i = 0; i < gradients[k].size(); ++i) gradients[k].data()[i] += other.gradients[k].data()[i];
  }
}

template <class T>
StripRunner<T>::StripRunner(const Prepared<T>& prepared, const Loss* loss)
    : prepared_(prepared), loss_(loss), input_(prepared.InputLayout()) {
  const Program& program = prepared.program;
  const size_t tensors = program.tensors.size(), cotangents = static_cast<size_t>(prepared.plan.cotangents);
  values_.resize(tensors);
  gradients_.resize(cotangents);
  for (auto& rings : gradients_) rings.resize(tensors);
  for (size_t t = 1; t < tensors; ++t) {
    values_[t] = Ring(prepared.ValueLayout(static_cast<int>(t)));
    for (auto& rings : gradients_) rings[t] = Ring(prepared.GradientLayout(static_cast<int>(t)));
  }
  for (const ViewUse& use : prepared.views) views_.emplace_back(prepared.ViewLayout(use));
  for (const auto& kernel : prepared.kernels) workspaces_.push_back(kernel->MakeWorkspace());
  arguments_.resize(program.ops.size());
  for (size_t i = 0; i < program.ops.size(); ++i) {
    arguments_[i].src_pointers.resize(program.ops[i].srcs.size());
    arguments_[i].diff_src_pointers.resize(program.ops[i].srcs.size());
  }
  if (!loss) return;
  labels_.resize(static_cast<size_t>(prepared.plan.width));
  loss_scratch_.resize(static_cast<size_t>(loss->scratch_bytes(prepared.plan.width)));
  sums_.loss.resize(static_cast<size_t>(loss->sums()));
  for (size_t k = 0; k < cotangents; ++k) sums_.gradients.emplace_back(prepared.gradient_size);
}

template <class T>
void StripRunner<T>::Run(const Job& job) {
  Reset(*job.strip);
  Schedule schedule(prepared_.program, *job.strip, job.sweep);
  int64_t read = 0;
  for (Work work = schedule.Next(); work.kind != Work::Kind::kDone; work = schedule.Next()) {
    switch (work.kind) {
      case Work::Kind::kInput:
        ReadInput(job.image, work.row);
        if (++read == kProgressRows && job.progress) job.progress(std::exchange(read, 0));
        break;
      case Work::Kind::kForward:
        Forward(job, schedule, work.op, work.row);
        break;
      case Work::Kind::kBackward:
        Backward(schedule, work.op, work.row);
        break;
      case Work::Kind::kDone:
        break;
    }
    schedule.Commit(work);
    Release(schedule, work);
  }
  if (job.progress) job.progress(read);
}

template <class T>
void StripRunner<T>::Reset(const Strip& strip) {
  input_.Reset(strip.rows[0].begin);
  for (size_t t = 0; t < values_.size(); ++t) {
    values_[t].Reset(strip.rows[t].begin);
    for (auto& rings : gradients_) rings[t].Reset(strip.rows[t].begin);
  }
  for (Ring& view : views_) view.Reset(strip.rows[0].begin);
  for (auto& workspace : workspaces_) {
    if (workspace) workspace->Reset();
  }
}

template <class T>
void StripRunner<T>::ReadInput(RowSource* image, int64_t row) {
  input_.Open();
  image->Read({row, row + 1}, input_.Row(row, 0));
}

template <class T>
void StripRunner<T>::Convert(const InputView& view, int64_t row, Ring* ring) {
  ring->Open();
  std::vector<T*> dst;
  for (int64_t c = 0; c < ring->layout().channels; ++c) dst.push_back(ring->Row(row, c));
  FromBytes(view, input_.Row(row, 0), ring->layout().width, dst.data());
}

template <class T>
RowRing<T>& StripRunner<T>::ViewRows(int op, int view, bool backward, Range rows) {
  size_t i = 0;
  while (prepared_.views[i].op != op || prepared_.views[i].view != view ||
         prepared_.views[i].backward != backward)
    ++i;
  Ring& ring = views_[i];
  if (ring.live().end < rows.begin) ring.Reset(rows.begin);  // rows that this op does not read
  ring.Release(rows.begin);
  while (ring.live().end < rows.end) {
    Convert(prepared_.program.views[static_cast<size_t>(view)], ring.live().end, &ring);
  }
  return ring;
}

template <class T>
void StripRunner<T>::BindSources(const Schedule& schedule, int index, int64_t y, bool backward,
                                 std::vector<RowWindow<const T>>* windows) {
  const Op& op = OpAt(index);
  windows->clear();
  for (size_t s = 0; s < op.srcs.size(); ++s) {
    const auto& parts = op.srcs[s];
    std::vector<const T*>& pointers = arguments_[static_cast<size_t>(index)].src_pointers[s];
    const Range rows = schedule.SourceRows(op, parts[0].tensor, y);
    int64_t channels = 0;
    for (const SourcePart& part : parts)
      channels += prepared_.program.tensors[static_cast<size_t>(part.tensor)].shape.channels;
    pointers.resize(static_cast<size_t>(rows.size() * channels));
    int64_t first = 0;
    for (const SourcePart& part : parts) {
      Ring& ring = part.view >= 0 ? ViewRows(index, part.view, backward, rows) : Values(part.tensor);
      for (int64_t r = rows.begin; r < rows.end; ++r) {
        for (int64_t c = 0; c < ring.layout().channels; ++c) {
          pointers[static_cast<size_t>((r - rows.begin) * channels + first + c)] = ring.Row(r, c);
        }
      }
      first += ring.layout().channels;
    }
    windows->push_back({rows, channels, Values(op.dst).layout().width, pointers.data()});
  }
}

template <class T>
void StripRunner<T>::BindGradients(const Schedule& schedule, int index, int64_t y,
                                   std::vector<Ring>* gradients) {
  const Op& op = OpAt(index);
  BackwardRow<T>& row = arguments_[static_cast<size_t>(index)].backward;
  row.diff_srcs.clear();
  for (size_t s = 0; s < op.srcs.size(); ++s) {
    std::vector<T*>& pointers = arguments_[static_cast<size_t>(index)].diff_src_pointers[s];
    const Range rows = schedule.SourceRows(op, op.srcs[s][0].tensor, y);
    pointers.clear();
    for (const SourcePart& part : op.srcs[s]) {
      const ProgramTensor& tensor = prepared_.program.tensors[static_cast<size_t>(part.tensor)];
      if (tensor.needs_gradient && !rows.empty())
        (*gradients)[static_cast<size_t>(part.tensor)].OpenZeroed(rows.end);
    }
    int64_t channels = 0;
    for (int64_t r = rows.begin; r < rows.end; ++r) {
      for (const SourcePart& part : op.srcs[s]) {
        const ProgramTensor& tensor = prepared_.program.tensors[static_cast<size_t>(part.tensor)];
        for (int64_t c = 0; c < tensor.shape.channels; ++c) {
          pointers.push_back(tensor.needs_gradient ? (*gradients)[static_cast<size_t>(part.tensor)].Row(r, c)
                                                   : nullptr);
        }
      }
      if (r == rows.begin) channels = static_cast<int64_t>(pointers.size());
    }
    row.diff_srcs.push_back({rows, channels, Values(op.dst).layout().width, pointers.data()});
  }
}

template <class T>
void StripRunner<T>::Forward(const Job& job, const Schedule& schedule, int index, int64_t y) {
  const Op& op = OpAt(index);
  Arguments& arguments = arguments_[static_cast<size_t>(index)];
  Ring& dst = Values(op.dst);
  dst.Open();
  arguments.dst_pointers.clear();
  for (int64_t c = 0; c < dst.layout().channels; ++c) arguments.dst_pointers.push_back(dst.Row(y, c));
  arguments.forward.y = y;
  arguments.forward.dst = arguments.dst_pointers.data();
  BindSources(schedule, index, y, false, &arguments.forward.srcs);
  prepared_.kernels[static_cast<size_t>(index)]->Forward(arguments.forward,
                                                         workspaces_[static_cast<size_t>(index)].get());
  if (op.activation) {
    for (T* row : arguments.dst_pointers) op.activation->Forward(row, dst.layout().width);
  }
  if (op.dst != prepared_.program.output) return;
  if (job.labels) {
    TakeLoss(job, y, arguments.dst_pointers.data());
  } else {
    job.sink(y, arguments.dst_pointers.data());
  }
}

template <class T>
void StripRunner<T>::TakeLoss(const Job& job, int64_t y, T* const* logits) {
  const int output = prepared_.program.output;
  job.labels->Read({y, y + 1}, labels_.data());
  loss_pointers_.clear();
  const bool back =
      job.sweep == Sweep::kTraining && prepared_.program.tensors[static_cast<size_t>(output)].needs_gradient;
  if (back) {
    for (auto& rings : gradients_) {
      Ring& ring = rings[static_cast<size_t>(output)];
      ring.OpenZeroed(y + 1);
      for (int64_t c = 0; c < ring.layout().channels; ++c) loss_pointers_.push_back(ring.Row(y, c));
    }
  }
  loss_->Row(LossRow<T>{.logits = logits,
                        .labels = labels_.data(),
                        .width = prepared_.plan.width,
                        .diff = back ? loss_pointers_.data() : nullptr,
                        .coefficients = job.coefficients},
             sums_.loss.data(), loss_scratch_.data());
}

template <class T>
void StripRunner<T>::Backward(const Schedule& schedule, int index, int64_t y) {
  const Op& op = OpAt(index);
  Arguments& arguments = arguments_[static_cast<size_t>(index)];
  BackwardRow<T>& row = arguments.backward;
  row.y = y;
  row.srcs.clear();
  if (op.layer->backward_reads().src) BindSources(schedule, index, y, true, &row.srcs);
  for (size_t k = 0; k < gradients_.size(); ++k) {
    Ring& diff_dst = gradients_[k][static_cast<size_t>(op.dst)];
    diff_dst.OpenZeroed(y + 1);
    arguments.dst_pointers.clear();
    for (int64_t c = 0; c < diff_dst.layout().channels; ++c) {
      T* diff = diff_dst.Row(y, c);
      if (op.activation) op.activation->Backward(Values(op.dst).Row(y, c), diff, diff_dst.layout().width);
      arguments.dst_pointers.push_back(diff);
    }
    row.diff_dst = arguments.dst_pointers.data();
    BindGradients(schedule, index, y, &gradients_[k]);
    arguments.diff_parameters.clear();
    for (int p : op.parameters) {
      const int64_t offset = prepared_.gradient_offsets[static_cast<size_t>(p)];
      arguments.diff_parameters.push_back(offset < 0 ? nullptr : sums_.gradients[k].data() + offset);
    }
    row.diff_parameters = arguments.diff_parameters.data();
    prepared_.kernels[static_cast<size_t>(index)]->Backward(row,
                                                            workspaces_[static_cast<size_t>(index)].get());
    diff_dst.Release(y + 1);
  }
}

template <class T>
void StripRunner<T>::Release(const Schedule& schedule, const Work& work) {
  if (work.kind == Work::Kind::kInput) {
    input_.Release(schedule.LiveValues(0).begin);
    return;
  }
  const Op& op = OpAt(work.op);
  Values(op.dst).Release(schedule.LiveValues(op.dst).begin);
  for (const auto& parts : op.srcs) {
    for (const SourcePart& part : parts) {
      const int64_t begin = schedule.LiveValues(part.tensor).begin;
      if (part.tensor == 0) {
        input_.Release(begin);
      } else {
        Values(part.tensor).Release(begin);
      }
    }
  }
}

template class StripRunner<float>;
template class StripRunner<double>;

}  // namespace swath
