#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "graph/onnx_messages.h"

namespace swath {
namespace {

// Stands for the image and the initialisers among the writers of tensors.
constexpr int kGiven = -1;

using Writers = std::unordered_map<std::string, int>;

Writers FindWriters(const onnx::GraphProto& graph) {
  Writers writers;
  for (const onnx::TensorProto& initializer : graph.initializer()) {
    if (!writers.emplace(initializer.name(), kGiven).second) {
      Fail(ErrorCode::kInput, "two initialisers are named '{}'", initializer.name());
    }
  }
  std::unordered_set<std::string> inputs;
  for (const onnx::ValueInfoProto& input : graph.input()) {
    if (!inputs.insert(input.name()).second)
      Fail(ErrorCode::kInput, "two inputs are named '{}'", input.name());
    writers.emplace(input.name(), kGiven);  // one that is an initialiser too only has a default
  }
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& tensor : graph.node(i).output()) {
      if (tensor.empty()) continue;
      const auto [it, inserted] = writers.emplace(tensor, i);
      if (inserted) continue;
      Fail(ErrorCode::kInput, "{} writes '{}', which {} already", NodeLabel(graph, i), tensor,
           it->second == kGiven ? "is an input or an initialiser" : NodeLabel(graph, it->second) + " writes");
    }
  }
  return writers;
}

/// What the output depends on: by node, the nodes that write what it reads (itself, if it reads what it
/// writes).
using Sources = std::map<int, std::vector<int>>;

std::vector<int> SourcesOf(const onnx::GraphProto& graph, int node, const Writers& writers) {
  std::vector<int> sources;
  for (const std::string& tensor : graph.node(node).input()) {
    if (tensor.empty()) continue;
    const auto it = writers.find(tensor);
    if (it == writers.end()) {
      Fail(ErrorCode::kInput, "{} reads '{}', which nothing writes", NodeLabel(graph, node), tensor);
    }
    if (it->second != kGiven) sources.push_back(it->second);
  }
  return sources;
}

Sources FindNeeded(const onnx::GraphProto& graph, const std::string& output) {
  const Writers writers = FindWriters(graph);
  const auto writer = writers.find(output);
  if (writer == writers.end()) Fail(ErrorCode::kInput, "nothing writes the output '{}'", output);
  if (writer->second == kGiven) Fail(ErrorCode::kUnsupported, "the output '{}' is not computed", output);
  Sources needed;
  std::vector<int> pending = {writer->second};
  while (!pending.empty()) {
    const int node = pending.back();
    pending.pop_back();
    if (needed.count(node) != 0) continue;
    const auto& sources = needed[node] = SourcesOf(graph, node, writers);
    pending.insert(pending.end(), sources.begin(), sources.end());
  }
  return needed;
}

/// A node on a cycle: going from a node that waits to one that it waits for, again and again, ends on one.
int FindOnCycle(const Sources& needed, const std::map<int, int>& waits_for) {
  const auto waits = [&](int node) { return waits_for.at(node) > 0; };
  int node = std::find_if(needed.begin(), needed.end(), [&](const auto& n) { return waits(n.first); })->first;
  for (size_t i = 0; i < needed.size(); ++i) {
    const std::vector<int>& sources = needed.at(node);
    node = *std::find_if(sources.begin(), sources.end(), waits);
  }
  return node;
}

}  // namespace

std::string NodeName(const onnx::GraphProto& graph, int index) {
  const onnx::NodeProto& node = graph.node(index);
  std::string name = node.name().empty() ? fmt::format("{}_{}", node.op_type(), index) : node.name();
  for (char& c : name) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '_';
  }
  return name;
}

std::string NodeLabel(const onnx::GraphProto& graph, int index) {
  return fmt::format("[{} {}]", graph.node(index).op_type(), NodeName(graph, index));
}

std::vector<int> OrderNodes(const onnx::GraphProto& graph, const std::string& output) {
  const Sources needed = FindNeeded(graph, output);
  std::map<int, std::vector<int>> readers;
  std::map<int, int> waits_for;
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (const auto& [node, sources] : needed) {
    waits_for[node] = static_cast<int>(sources.size());
    for (const int source : sources) readers[source].push_back(node);
    if (sources.empty()) ready.push(node);
  }

  std::vector<int> order;
  while (!ready.empty()) {
    const int node = ready.top();
    ready.pop();
    order.push_back(node);
    for (const int reader : readers[node]) {
      if (--waits_for[reader] == 0) ready.push(reader);
    }
  }
  if (order.size() != needed.size()) {
    Fail(ErrorCode::kInput, "{} depends on its own output", NodeLabel(graph, FindOnCycle(needed, waits_for)));
  }
  return order;
}

}  // namespace swath
