#include "engine/sweep.h"

#include <algorithm>

namespace swath {
namespace {

/// Numbers by tensor, streamed and in core.
struct Levels {
  std::vector<int> streamed;
  std::vector<int> core;

  int Of(const OpSource& src) const {
    if (!src.streamed()) return core[static_cast<size_t>(src.core)];
    int level = -1;
    for (const SourcePart& part : src.parts)
      level = std::max(level, streamed[static_cast<size_t>(part.tensor)]);
    return level;
  }
};

bool Raise(int* level, int to) {
  if (to <= *level) return false;
  *level = to;
  return true;
}

class SweepPlanner {
 public:
  explicit SweepPlanner(const Program& program) : program_(program) {}

  Sweeps Run() {
    FindDepths();
    FindBackLevels();
    AddForward();
    if (program_.output >= 0) {
      sweeps_.output = Empty();
      sweeps_.output.output = true;
      Need(program_.writer[static_cast<size_t>(program_.output)], &sweeps_.output);
    }
    AddBackward();
    return std::move(sweeps_);
  }

 private:
  size_t ops() const { return program_.ops.size(); }
  const Op& At(size_t i) const { return program_.ops[i]; }

  Sweep Empty() const {
    return {.forward = std::vector<bool>(ops(), false),
            .backward = std::vector<bool>(ops(), false),
            .adds_core = std::vector<bool>(ops(), false),
            .strips = {}};
  }

  /// The number of forward sweeps that must have passed before a tensor can be computed.
  void FindDepths() {
    depth_.streamed.assign(program_.tensors.size(), 0);
    depth_.core.assign(program_.cores.size(), 0);
    for (bool changed = true; changed;) {
      changed = false;
      for (const Op& op : program_.ops) {
        int depth = 0;
        for (const OpSource& src : op.srcs) depth = std::max(depth, depth_.Of(src));
        changed |= Raise(&depth_.streamed[static_cast<size_t>(op.dst)], depth);
        if (op.reduction) changed |= Raise(&depth_.core[static_cast<size_t>(op.result)], depth + 1);
      }
      for (const CoreOp& op : program_.core_ops) {
        for (const int src : op.srcs) {
          changed |= Raise(&depth_.core[static_cast<size_t>(op.dst)], depth_.core[static_cast<size_t>(src)]);
        }
      }
    }
  }

  /// The number of backward sweeps that must have passed before the gradient of a tensor can be computed; -1
  /// where none reaches it.
  void FindBackLevels() {
    back_.streamed.assign(program_.tensors.size(), -1);
    back_.core.assign(program_.cores.size(), -1);
    if (program_.output >= 0) back_.streamed[static_cast<size_t>(program_.output)] = 0;
    if (program_.core_output >= 0) back_.core[static_cast<size_t>(program_.core_output)] = 0;
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t i = 0; i < ops(); ++i) {
        const int level = Level(i);
        if (level < 0) continue;
        for (const OpSource& src : At(i).srcs) {
          if (!src.streamed()) changed |= Raise(&back_.core[static_cast<size_t>(src.core)], level + 1);
          for (const SourcePart& part : src.parts)
            changed |= Raise(&back_.streamed[static_cast<size_t>(part.tensor)], level);
        }
      }
      for (const CoreOp& op : program_.core_ops) {
        for (const int src : op.srcs)
          changed |= Raise(&back_.core[static_cast<size_t>(src)], back_.core[static_cast<size_t>(op.dst)]);
      }
    }
  }

  /// Of an op that goes back at all; else -1.
  int Level(size_t op) const {
    if (!At(op).backward) return -1;
    return At(op).reduction ? back_.core[static_cast<size_t>(At(op).result)]
                            : back_.streamed[static_cast<size_t>(At(op).dst)];
  }

  void AddForward() {
    for (int depth = 0;; ++depth) {
      Sweep sweep = Empty();
      bool any = false;
      for (size_t i = 0; i < ops(); ++i) {
        if (!At(i).reduction || depth_.streamed[static_cast<size_t>(At(i).dst)] != depth) continue;
        any = true;
        Need(static_cast<int>(i), &sweep);
      }
      if (!any) return;
      sweeps_.forward.push_back(std::move(sweep));
      std::vector<int> cores;
      for (size_t i = 0; i < program_.core_ops.size(); ++i) {
        if (depth_.core[static_cast<size_t>(program_.core_ops[i].dst)] == depth + 1)
          cores.push_back(static_cast<int>(i));
      }
      sweeps_.forward_cores.push_back(std::move(cores));
    }
  }

  /// The op and all that it is computed from.
  void Need(int op, Sweep* sweep) const {
    if (op < 0 || sweep->forward[static_cast<size_t>(op)]) return;
    sweep->forward[static_cast<size_t>(op)] = true;
    for (const OpSource& src : At(static_cast<size_t>(op)).srcs) {
      for (const SourcePart& part : src.parts) Need(program_.writer[static_cast<size_t>(part.tensor)], sweep);
    }
  }

  bool ReadsTrainedCore(size_t op) const {
    return std::any_of(At(op).srcs.begin(), At(op).srcs.end(), [&](const OpSource& src) {
      return !src.streamed() && program_.cores[static_cast<size_t>(src.core)].needs_gradient;
    });
  }

  /// The op, and all that its gradient comes through.
  void GoBack(size_t op, Sweep* sweep) const {
    if (Level(op) < 0 || sweep->backward[op]) return;
    sweep->backward[op] = true;
    for (const int reader : program_.readers[static_cast<size_t>(At(op).dst)])
      GoBack(static_cast<size_t>(reader), sweep);
  }

  void AddBackward() {
    int last = 0;
    for (size_t i = 0; i < ops(); ++i) last = std::max(last, Level(i));
    for (int level = 0; level <= last; ++level) {
      Sweep sweep = Empty();
      for (size_t i = 0; i < ops(); ++i) {
        const bool adds = At(i).layer && Level(i) == level && ReadsTrainedCore(i);
        sweep.adds_core[i] = adds;
        if (adds || level == last) GoBack(i, &sweep);
      }
      sweep.trains = level == last;
      sweep.output = program_.output >= 0;
      for (size_t i = 0; i < ops(); ++i) {
        if (sweep.backward[i]) Need(static_cast<int>(i), &sweep);
      }
      if (sweep.output) Need(program_.writer[static_cast<size_t>(program_.output)], &sweep);
      sweeps_.backward.push_back(std::move(sweep));
    }
    sweeps_.backward_cores.resize(static_cast<size_t>(last) + 2);
    for (size_t i = program_.core_ops.size(); i-- > 0;) {
      const CoreOp& op = program_.core_ops[i];
      const int level = back_.core[static_cast<size_t>(op.dst)];
      if (op.backward && level >= 0)
        sweeps_.backward_cores[static_cast<size_t>(level)].push_back(static_cast<int>(i));
    }
  }

  const Program& program_;
  Levels depth_, back_;
  Sweeps sweeps_;
};

}  // namespace

bool Sweep::goes_back() const { return std::find(backward.begin(), backward.end(), true) != backward.end(); }

std::span<const Strip> Sweep::StripsOf(size_t part) const {
  const auto first =
      std::find_if(strips.begin(), strips.end(), [&](const Strip& s) { return s.part == part; });
  const auto last = std::find_if(first, strips.end(), [&](const Strip& s) { return s.part != part; });
  return {first, last};
}

std::vector<Sweep*> Sweeps::All() {
  std::vector<Sweep*> all;
  for (Sweep& sweep : forward) all.push_back(&sweep);
  if (output.output) all.push_back(&output);
  for (Sweep& sweep : backward) all.push_back(&sweep);
  return all;
}

Sweeps PlanSweeps(const Program& program) { return SweepPlanner(program).Run(); }

}  // namespace swath
