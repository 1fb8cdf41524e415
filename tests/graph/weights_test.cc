#include "swath/weights.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <fstream>

#include "layers/layers.h"
#include "tests/graph/model_builder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

using Names = std::vector<std::string>;

/// A safetensors file of that header and data.
void Write(const std::string& path, const std::string& header, const std::string& data) {
  std::ofstream file(path, std::ios::binary);
  const uint64_t length = header.size();
  file.write(reinterpret_cast<const char*>(&length), sizeof(length));
  file << header << data;
}

template <class T>
std::string Bytes(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// One tensor of a header.
std::string Entry(const std::string& name, const std::string& type, const std::string& shape, int64_t begin,
                  int64_t end) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", name, type, shape, begin,
                     end);
}

/// A 1 x 1 convolution "a", its weights [2, 3, 1, 1], and a frozen batch normalisation "n", behind a
/// constant.
Graph Network() {
  Graph graph;
  graph.input = graph.AddTensor("image");
  const auto add = [&](const std::string& name, std::vector<int64_t> dims, size_t n, float value,
                       bool trains) {
    return graph.AddParameter(
        {.name = name, .dims = std::move(dims), .values = std::vector<float>(n, value), .trainable = trains});
  };
  const int shifted =
      graph.AddNode("shift", MakeAdd(), {graph.input}, {add("shift", {1, 3, 1, 1}, 3, 7, false)});
  const int map = graph.AddNode("a", MakeConv({}), {shifted},
                                {add("a.weight", {2, 3, 1, 1}, 6, 0, true), add("a.bias", {2}, 2, 0, true)});
  graph.output =
      graph.AddNode("n", MakeFrozenBatchNormalization({}), {map},
                    {add("n.weight", {2}, 2, 1, true), add("n.bias", {2}, 2, 0, true),
                     add("n.running_mean", {2}, 2, 0, false), add("n.running_var", {2}, 2, 1, false)});
  return graph;
}

const std::vector<float>& Values(const Graph& graph, const std::string& name) {
  for (const Parameter& parameter : graph.parameters) {
    if (parameter.name == name) return parameter.values;
  }
  throw std::out_of_range(name);
}

/// What LoadWeights says of a file with this header and data, without the path.
std::string Message(const std::string& header, const std::string& data, ErrorCode code = ErrorCode::kInput) {
  const TemporaryFolder folder;
  const std::string path = folder / "w.safetensors";
  Write(path, header, data);
  Graph graph = Network();
  try {
    LoadWeights(&graph, path);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_EQ(std::string(e.what()).substr(0, path.size() + 2), path + ": ");
    EXPECT_EQ(Values(graph, "a.bias"), (std::vector<float>{0, 0}));
    return std::string(e.what()).substr(path.size() + 2);
  }
  return "no error";
}

TEST(Weights, AreTakenByNameAndShape) {
  const TemporaryFolder folder;
  const std::string header =
      "{" + Entry("a.weight", "F32", "2,3", 0, 24) + "," + Entry("a.bias", "F32", "3", 24, 36) + "," +
      Entry("n.running_var", "F32", "2", 36, 44) + "," + Entry("shift", "F32", "3", 44, 56) + "," +
      Entry("n.num_batches_tracked", "I64", "", 56, 64) + R"(,"__metadata__":{"format":"pt"}}   )";
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 1, 1, 1, 8, 9, 5, 5, 5, 0, 0};
  Write(folder / "w.safetensors", header, Bytes(values));
  Graph graph = Network();
  const WeightReport report = LoadWeights(&graph, folder / "w.safetensors");
  EXPECT_EQ(report.prefix, "");
  EXPECT_EQ(report.matched, (Names{"a.weight", "n.running_var"}));
  EXPECT_EQ(report.missing, (Names{"n.weight", "n.bias", "n.running_mean"}));
  EXPECT_EQ(report.unused, (Names{"shift", "n.num_batches_tracked"}));
  ASSERT_EQ(report.different.size(), 1u);
  EXPECT_EQ(report.different[0].name, "a.bias");
  EXPECT_EQ(report.different[0].expected, (std::vector<int64_t>{2}));
  EXPECT_EQ(report.different[0].found, (std::vector<int64_t>{3}));
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(Values(graph, "a.weight"), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Values(graph, "n.running_var"), (std::vector<float>{8, 9}));
  EXPECT_EQ(Values(graph, "shift"), (std::vector<float>{7, 7, 7}));
  EXPECT_EQ(graph.parameters[1].dims, (std::vector<int64_t>{2, 3, 1, 1}));
}

TEST(Weights, PrefixesAreTakenOffAndNamesSkipped) {
  for (const std::string prefix : {"module.", "model.", "encoder.backbone."}) {
    const TemporaryFolder folder;
    Write(folder / "w.safetensors",
          "{" + Entry(prefix + "a.bias", "F32", "2", 0, 8) + "," +
              Entry(prefix + "n.bias", "F32", "2", 8, 16) + "}",
          Bytes<float>({1, 2, 3, 4}));
    Graph graph = Network();
    WeightReport report = LoadWeights(&graph, folder / "w.safetensors", {.skip = {"n."}});
    EXPECT_EQ(report.prefix, prefix);
    EXPECT_EQ(report.matched, Names{"a.bias"});
    EXPECT_EQ(report.unused, Names{prefix + "n.bias"});
    EXPECT_EQ(report.missing, Names{"a.weight"});
    EXPECT_EQ(Values(graph, "n.bias"), (std::vector<float>{0, 0}));
  }
}

TEST(Weights, OtherFloatsAreConverted) {
  const TemporaryFolder folder;
  Write(folder / "w.safetensors",
        "{" + Entry("a.bias", "F16", "2", 0, 4) + "," + Entry("n.bias", "BF16", "2", 4, 8) + "," +
            Entry("n.weight", "F64", "2", 8, 24) + "}",
        Bytes<uint16_t>({0xc100, 0x0001, 0x3fc0, 0x8000}) + Bytes<double>({0.1, -3}));
  Graph graph = Network();
  EXPECT_EQ(LoadWeights(&graph, folder / "w.safetensors").matched, (Names{"a.bias", "n.weight", "n.bias"}));
  EXPECT_EQ(Values(graph, "a.bias"), (std::vector<float>{-2.5f, 0x1p-24f}));
  EXPECT_EQ(Values(graph, "n.bias"), (std::vector<float>{1.5f, -0.0f}));
  EXPECT_EQ(Values(graph, "n.weight"), (std::vector<float>{0.1f, -3}));
}

TEST(Weights, ValuesThatCannotBeAreRefused) {
  const std::string header = "{" + Entry("a.bias", "F32", "2", 0, 8) + "}";
  EXPECT_EQ(Message(header, Bytes<float>({1, NAN}), ErrorCode::kNumeric),
            "tensor 'a.bias' has a value that is not finite in float32 (number 1)");
  EXPECT_EQ(
      Message("{" + Entry("a.bias", "F64", "2", 0, 16) + "}", Bytes<double>({1e300, 1}), ErrorCode::kNumeric),
      "tensor 'a.bias' has a value that is not finite in float32 (number 0)");
  EXPECT_EQ(Message("{" + Entry("a.bias", "F16", "2", 0, 4) + "}", Bytes<uint16_t>({0, 0x7c00}),
                    ErrorCode::kNumeric),
            "tensor 'a.bias' has a value that is not finite in float32 (number 1)");
  EXPECT_EQ(
      Message("{" + Entry("a.bias", "I32", "2", 0, 8) + "}", Bytes<int32_t>({0, 1}), ErrorCode::kUnsupported),
      "tensor 'a.bias' is of type I32, expected F32, F64, F16 or BF16");
  EXPECT_EQ(Message("{" + Entry("n.running_var", "F32", "2", 0, 8) + "}", Bytes<float>({-1, 1}),
                    ErrorCode::kUnsupported),
            "[BatchNormalization n] variance 'n.running_var' holds -1, expected at least 0");
}

TEST(Weights, BrokenHeadersAreRefused) {
  const std::string eight(8, '\0');
  EXPECT_EQ(Message("[1]", ""), "the header is not a JSON object");
  EXPECT_EQ(Message("{", ""), "the header is not a JSON object");
  EXPECT_EQ(Message("{} x", ""), "the header is not a JSON object");
  EXPECT_EQ(Message(std::string(1000, '['), ""), "the header is nested too deeply");
  EXPECT_EQ(Message(R"({"a":)" + std::string(1000, '['), ""), "the header is nested too deeply");
  EXPECT_EQ(Message(R"({"a":1})", ""), "tensor 'a' has no dtype");
  EXPECT_EQ(Message(R"({"a":{"dtype":"F32"}})", ""),
            "tensor 'a': data_offsets is not a list of whole numbers");
  EXPECT_EQ(Message(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", eight),
            "tensor 'a': shape is not a list of whole numbers");
  EXPECT_EQ(Message("{" + Entry("a", "F32", "2", 0, 8) + "," + Entry("a", "F32", "0", 8, 8) + "}", eight),
            "the header has the name 'a' twice");
  EXPECT_EQ(Message("{" + Entry("a", "F32", "3", 0, 8) + "}", eight),
            "tensor 'a' of type F32 and dimensions [3] has bytes 0 to 8, expected 12");
  EXPECT_EQ(Message("{" + Entry("a", "F32", "2", 8, 0) + "}", eight),
            "tensor 'a' of type F32 and dimensions [2] has bytes 8 to 0, expected 8");
  EXPECT_EQ(Message("{" + Entry("a", "F32", "4294967296,4294967296,4294967296", 0, 8) + "}", eight),
            "tensor 'a' has dimensions [4294967296, 4294967296, 4294967296], too large to be true");
  EXPECT_EQ(
      Message("{" + Entry("a", "F32", "2", 0, 8) + "," + Entry("b", "F32", "2", 4, 12) + "}", eight + "1234"),
      "tensor 'b' begins at byte 4, expected 8: tensors overlap");
  EXPECT_EQ(Message("{" + Entry("a", "F32", "1", 4, 8) + "}", eight),
            "tensor 'a' begins at byte 4, expected 0: tensors leave a gap");
  EXPECT_EQ(Message("{" + Entry("a", "F32", "4", 0, 16) + "}", eight),
            "tensor 'a' ends at byte 16, but the file has 8 bytes of data");
  EXPECT_EQ(Message("{" + Entry("a", "F32", "1", 0, 4) + "}", eight),
            "the file has 8 bytes of data, expected 4");
}

TEST(Weights, FilesThatAreNoneAreRefused) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& name, ErrorCode code) -> std::string {
    Graph graph = Network();
    try {
      LoadWeights(&graph, folder / name);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code);
      return std::string(e.what()).substr((folder / name).size());
    }
    return "no error";
  };
  EXPECT_EQ(message("none.safetensors", ErrorCode::kInput), ": cannot be opened: No such file or directory");
  EXPECT_EQ(message("w.pt", ErrorCode::kUsage),
            ": weights are read from .safetensors and .onnx files, found '.pt'");
  test::WriteFile(folder / "short.safetensors", "1234");
  EXPECT_EQ(message("short.safetensors", ErrorCode::kInput), ": is not a safetensors file: it has 4 bytes");
  test::WriteFile(folder / "text.safetensors", "a text, and no safetensors");
  EXPECT_NE(message("text.safetensors", ErrorCode::kInput).find("its header has"), std::string::npos);
  // A header of 100 MB and more is refused before memory is taken for it.
  const uint64_t huge = 100'000'001;
  std::ofstream(folder / "huge.safetensors", std::ios::binary).write(reinterpret_cast<const char*>(&huge), 8);
  std::filesystem::resize_file(folder / "huge.safetensors", huge + 8);
  EXPECT_NE(message("huge.safetensors", ErrorCode::kInput).find("its header has 100000001 bytes"),
            std::string::npos);
}

TEST(Weights, OfAnOnnxFileAreTheGraphsOwn) {
  const TemporaryFolder folder;
  ExportOnnx(BuiltInModel("resnet-18", 5), folder / "net.onnx");
  Graph graph = BuiltInModel("resnet-18:head=attention,outputs=3", 6);
  const WeightReport report = LoadWeights(&graph, folder / "net.onnx");
  EXPECT_EQ(report.missing, (Names{"attention.V.weight", "attention.V.bias", "attention.U.weight",
                                   "attention.U.bias", "attention.w.weight"}));
  EXPECT_EQ(report.different.size(), 2u);  // fc
  EXPECT_EQ(report.matched.size(), 20u + 4u * 20u);
  const Graph source = BuiltInModel("resnet-18", 5);
  EXPECT_EQ(Values(graph, "layer4.1.conv2.weight"), Values(source, "layer4.1.conv2.weight"));
  EXPECT_NE(Values(graph, "fc.weight"), Values(source, "fc.weight"));
}

TEST(Weights, OfAPublishedFile) {
  const std::string path = SWATH_SHARED_DATA "/models/safetensors/mnist.safetensors";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path;
  Graph graph;
  graph.input_channels = 1;
  graph.input = graph.AddTensor("image");
  const auto conv = [&](const std::string& name, int src, int64_t from, int64_t to) {
    const Window window = {.kernel = 3};
    const auto values = [](int64_t n) { return std::vector<float>(static_cast<size_t>(n)); };
    const int weights = graph.AddParameter(
        {.name = name + ".weight", .dims = {to, from, 3, 3}, .values = values(9 * from * to)});
    const int bias = graph.AddParameter({.name = name + ".bias", .dims = {to}, .values = values(to)});
    return graph.AddNode(name, MakeConv({.rows = window, .columns = window}), {src}, {weights, bias});
  };
  graph.output = conv("conv3", conv("conv2", conv("conv1", graph.input, 1, 8), 8, 16), 16, 24);
  const WeightReport report = LoadWeights(&graph, path);
  EXPECT_TRUE(report.complete());
  EXPECT_EQ(report.matched.size(), 6u);
  EXPECT_EQ(report.unused.size(), 14u);
  double squares = 0;
  for (const float w : Values(graph, "conv1.weight")) squares += double{w} * double{w};
  EXPECT_GT(squares, 0);
}

}  // namespace
}  // namespace swath
