#include "engine/schedule.h"

#include <algorithm>
#include <cassert>

namespace swath {

Schedule::Schedule(const Program& program, const Sweep& sweep, const Strip& strip)
    : program_(program), sweep_(sweep), strip_(strip) {
  for (const Range& rows : strip.rows) forward_.push_back(rows.begin);
  for (const Op& op : program.ops) backward_.push_back(Rows(op.dst).begin);
}

Range Schedule::SourceRows(const Op& op, int tensor, Range rows) const {
  const int64_t height = program_.tensors[static_cast<size_t>(tensor)].shape.height;
  const Range src = Intersect(op.rows.Src(rows), {0, height});
  assert(src.empty() || Hull(src, Rows(tensor)) == Rows(tensor));
  return src;
}

int64_t Schedule::PulledTo(const Op& op, int tensor, int64_t y) const {
  const Range dst = Rows(op.dst), all = SourceRows(op, tensor, dst);
  if (y >= dst.end) return all.end;
  return std::clamp(op.rows.Src(y).begin, all.begin, all.end);
}

Range Schedule::GradientRows(const Op& op, int tensor, Range rows) const {
  if (!op.pulls) return SourceRows(op, tensor, rows);
  return {PulledTo(op, tensor, rows.begin), PulledTo(op, tensor, rows.end)};
}

int64_t Schedule::FirstSeen(const Op& op, int64_t y) const {
  if (!op.pulls) return y;
  const int64_t first = op.rows.FirstDst(PulledTo(op, op.any_part().tensor, y));
  return std::clamp(first, Rows(op.dst).begin, y);
}

Range Schedule::NextForward(int index) const {
  const Op& op = program_.ops[static_cast<size_t>(index)];
  return op.Block(forward_[static_cast<size_t>(op.dst)], Rows(op.dst).end);
}

Range Schedule::NextBackward(int index) const {
  const Op& op = program_.ops[static_cast<size_t>(index)];
  return op.Block(backward_[static_cast<size_t>(index)], Rows(op.dst).end);
}

bool Schedule::ReadyForward(int index) const {
  if (!sweep_.forward[static_cast<size_t>(index)]) return false;
  const Op& op = program_.ops[static_cast<size_t>(index)];
  const Range rows = NextForward(index);
  if (rows.empty()) return false;
  for (const OpSource& src : op.srcs) {
    for (const SourcePart& part : src.parts) {
      const Range needed = SourceRows(op, part.tensor, rows);
      if (!needed.empty() && forward_[static_cast<size_t>(part.tensor)] < needed.end) return false;
    }
  }
  return true;
}

bool Schedule::ReadyBackward(int index) const {
  const Op& op = program_.ops[static_cast<size_t>(index)];
  const Range rows = NextBackward(index);
  if (!sweep_.backward[static_cast<size_t>(index)] || rows.empty() ||
      rows.end > forward_[static_cast<size_t>(op.dst)])
    return false;
  for (int reader : program_.readers[static_cast<size_t>(op.dst)]) {
    if (!sweep_.backward[static_cast<size_t>(reader)]) continue;
    const Op& next = program_.ops[static_cast<size_t>(reader)];
    const int64_t last = std::min(next.rows.LastDst(rows.end - 1), Rows(next.dst).end - 1);
    if (backward_[static_cast<size_t>(reader)] <= last) return false;
  }
  return true;
}

Work Schedule::Next() const {
  const int count = static_cast<int>(program_.ops.size());
  for (int i = 0; i < count; ++i) {
    if (ReadyBackward(i)) return {Work::Kind::kBackward, i, NextBackward(i)};
  }
  for (int i = count - 1; i >= 0; --i) {
    if (ReadyForward(i)) return {Work::Kind::kForward, i, NextForward(i)};
  }
  if (forward_[0] < Rows(0).end) return {Work::Kind::kInput, -1, {forward_[0], forward_[0] + 1}};
  return {};
}

void Schedule::Commit(const Work& work) {
  switch (work.kind) {
    case Work::Kind::kInput:
      forward_[0] = work.rows.end;
      break;
    case Work::Kind::kForward:
      forward_[static_cast<size_t>(program_.ops[static_cast<size_t>(work.op)].dst)] = work.rows.end;
      break;
    case Work::Kind::kBackward:
      backward_[static_cast<size_t>(work.op)] = work.rows.end;
      break;
    case Work::Kind::kDone:
      break;
  }
}

Range Schedule::LiveValues(int tensor) const {
  const size_t t = static_cast<size_t>(tensor);
  int64_t oldest = forward_[t];
  // The first row that the outputs from y on still read; outputs below `end` are all there are.
  const auto keep_for = [&](const Op& op, int64_t y) {
    if (y < Rows(op.dst).end) oldest = std::min(oldest, op.rows.Src(Range{y, y + 1}).begin);
  };
  for (int reader : program_.readers[t]) {
    const Op& op = program_.ops[static_cast<size_t>(reader)];
    if (sweep_.forward[static_cast<size_t>(reader)]) keep_for(op, forward_[static_cast<size_t>(op.dst)]);
    // Weights' gradients, and gradients that depend on the source, read its values again.
    if (sweep_.backward[static_cast<size_t>(reader)] && op.reads_src_backward())
      keep_for(op, backward_[static_cast<size_t>(reader)]);
  }
  if (const int writer = program_.writer[t]; writer >= 0) {
    const Op& op = program_.ops[static_cast<size_t>(writer)];
    if (HasGradient(tensor) && op.activation)
      oldest = std::min(oldest, backward_[static_cast<size_t>(writer)]);
  }
  return {std::max(oldest, Rows(tensor).begin), forward_[t]};
}

Range Schedule::LiveGradients(int tensor) const {
  const size_t t = static_cast<size_t>(tensor);
  const int writer = program_.writer[t];
  if (!HasGradient(tensor)) return {};
  const int64_t next = backward_[static_cast<size_t>(writer)];
  // The loss writes the output's gradient as soon as the row exists.
  int64_t newest = sweep_.output && tensor == program_.output ? forward_[t] : next;
  for (int reader : program_.readers[t]) {
    if (!sweep_.backward[static_cast<size_t>(reader)]) continue;
    const Op& op = program_.ops[static_cast<size_t>(reader)];
    const Range done{Rows(op.dst).begin, backward_[static_cast<size_t>(reader)]};
    newest = std::max(newest, GradientRows(op, tensor, done).end);
  }
  return {FirstSeen(program_.ops[static_cast<size_t>(writer)], next), std::min(newest, Rows(tensor).end)};
}

}  // namespace swath
