/// The program from outside: exit statuses, one line of error, nothing on standard output.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "swath/model.h"
#include "swath/slide.h"
#include "tests/support/whole_file.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"

namespace swath {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct Wrong {
  std::vector<std::string> arguments;
  std::string message;  ///< a part of it
};

void ExpectError(const std::vector<std::string>& arguments, int status, const std::string& message) {
  SCOPED_TRACE(testing::PrintToString(arguments));
  const test::Outcome outcome = test::RunProgram(arguments);
  EXPECT_EQ(outcome.status, status);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("swath: "));
  EXPECT_THAT(outcome.err, HasSubstr(message));
  EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
}

TEST(CommandLine, UsageErrorsAreOneLine) {
  const std::string threads = "--threads: expected a whole number from 0 to 1024, found '-1'";
  const std::string seed = "--seed: expected a whole number from 0 to 18446744073709551615, found ";
  const std::vector<Wrong> cases = {
      {{}, "swath: expected a command of swath: annotate, bench, check-gradients, "},
      {{"foo"}, "'foo' is no command of swath, expected one of annotate, bench, "},
      {{"foo", "--bar"}, "'foo' is no command of swath"},
      {{"two\nlines"}, "'two lines' is no command"},
      {{"--foo"}, "'--foo' is no option of swath"},
      {{"bench"}, "expected a command of bench: step, predict"},
      {{"bench", "stop"}, "'stop' is no command of bench, expected one of step, predict"},
      {{"train", "--dat", "x"}, "'--dat' is no option of train"},
      {{"train", "--out", "x"}, "--data is required"},
      {{"model", "unet-4492", "extra"}, "model: unexpected argument 'extra'"},
      {{"plan", "--size"}, "--size: expected a value, found none"},
      {{"plan", "--size", "1x1", "--size", "1x1"}, "--size: expected once, found more than once"},
      {{"plan"}, "plan: --size or --slide is required"},
      {{"plan", "--size", "1x1", "--slide", "x"}, "excludes"},
      // Everywhere the same bounds.
      {{"bench", "step", "--threads", "-1"}, threads},
      {{"check-gradients", "--threads", "-1"}, threads},
      {{"eval", "--threads", "-1"}, threads},
      {{"plan", "--threads", "-1"}, threads},
      {{"predict", "--threads", "-1"}, threads},
      {{"synth", "--threads", "-1"}, threads},
      {{"train", "--threads", "-1"}, threads},
      {{"bench", "step", "--seed", "-1"}, seed + "'-1'"},
      {{"check-gradients", "--seed", "-1"}, seed + "'-1'"},
      {{"model", "unet-4492", "--seed", "18446744073709551616"}, seed + "'18446744073709551616'"},
      {{"synth", "--seed", "-1"}, seed + "'-1'"},
      {{"train", "--seed", "1.5"}, seed + "'1.5'"},
      {{"bench", "step", "--strips", "-1"}, "--strips: expected a whole number from 0 to 1000000000"},
      {{"plan", "--strips", "1e3"}, "--strips: expected a whole number from 0 to 1000000000, found '1e3'"},
      {{"train", "--strips", "9223372036854775808"}, "--strips: expected a whole number from 0"},
      {{"bench", "step", "--steps", "0"}, "--steps: expected a whole number from 1 to 1000, found '0'"},
      {{"train", "--steps", "0"}, "--steps: expected a whole number from 1 to 1000000000, found '0'"},
      {{"train", "--epochs", "9223372036854775807"}, "--epochs: expected a whole number from 1"},
      {{"train", "--accumulate", "0"}, "--accumulate: expected a whole number from 1"},
      {{"train", "--warmup", "-1"}, "--warmup: expected a whole number from 0"},
      {{"train", "--validate-every", "0"}, "--validate-every: expected a whole number from 1"},
      {{"train", "--level", "-1"}, "--level: expected a whole number from 0"},
      {{"eval", "--level", "4294967296"}, "--level: expected a whole number from 0"},
      {{"predict", "--level", "-1"}, "--level: expected a whole number from 0"},
      {{"synth", "--slides", "0"}, "--slides: expected a whole number from 1 to 100000, found '0'"},
      {{"synth", "--val", "-1"}, "--val: expected a whole number from 0 to 100000, found '-1'"},
      {{"synth", "--quality", "101"}, "--quality: expected a whole number from 1 to 100, found '101'"},
      {{"train", "--ignore-label", "256"}, "--ignore-label: expected a whole number from 0 to 255"},
      {{"eval", "--ignore-label", "-1"}, "--ignore-label: expected a whole number from 0 to 255"},
      {{"check-gradients", "--ignore-label", "-2"}, "--ignore-label: expected a whole number from -1 to 255"},
      {{"train", "--lr", "inf"}, "--lr: expected a number above 0, found 'inf'"},
      {{"train", "--clip", "nan"}, "--clip: expected a number of at least 0, found 'nan'"},
      {{"train", "--weight-decay", "-1"}, "--weight-decay: expected a number of at least 0, found '-1'"},
      {{"train", "--momentum", "1"}, "--momentum: expected a number of at least 0 and below 1, found '1'"},
      {{"train", "--class-weights", "1,-1"}, "--class-weights: expected a number of at least 0, found '-1'"},
      {{"train", "--mpp", "0"}, "--mpp: expected a number above 0, found '0'"},
      {{"eval", "--mpp", "1e999"}, "--mpp: expected a number above 0, found '1e999'"},
      {{"predict", "--mpp", "-1"}, "--mpp: expected a number above 0, found '-1'"},
      {{"plan", "--mpp", "0"}, "--mpp: expected a number above 0, found '0'"},
      {{"plan", "--size", "64x64", "--mpp", "1"}, "--mpp requires --slide"},
      {{"predict", "x", "--model", "x", "--out", "x", "--mpp", "1", "--level", "0"},
       "--level excludes --mpp"},
      {{"eval", "--slide-mpp", "0"}, "--slide-mpp: expected a number above 0, found '0'"},
      {{"train", "--slide-mpp", "-1"}, "--slide-mpp: expected a number above 0, found '-1'"},
      {{"synth", "--mpp", "0"}, "--mpp: expected a number above 0, found '0'"},
      {{"synth", "x", "--size", "9223372036854775807x64"}, "--size: expected WIDTHxHEIGHT in pixels"},
      {{"plan", "--size", "64x2147483648"}, "each from 1 to 2147483647, found '64x2147483648'"},
      {{"check-gradients", "--strips", "1,0"}, "--strips: expected a whole number from 1"},
      {{"check-gradients", "--strips", "1,x"}, "--strips: expected a whole number from 1"},
      {{"check-gradients", "--strips", ""}, "--strips: expected a whole number from 1"},
      {{"check-gradients", "--strips="}, "--strips: expected a value, found none"},
      {{"check-gradients", "--slide", "x"}, "--slide requires --mask"},
      {{"check-gradients", "--mask", "x"}, "--mask requires --slide"},
  };
  for (const Wrong& wrong : cases) ExpectError(wrong.arguments, 2, wrong.message);
}

TEST(CommandLine, APredictionIsPlannedWithoutALoss) {
  const TemporaryFolder folder;
  const std::string model = folder.File("three.onnx");
  ExportOnnx(test::SmallNetwork(3), model);
  const test::Outcome outcome = test::RunProgram({"plan", "--predict", "--size", "64x64", "--model", model});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("prediction"));
  EXPECT_EQ(test::RunProgram({"plan", "--size", "64x64", "--model", model}).status, 0)
      << "cross-entropy fits";
  ExpectError({"plan", "--size", "64x64", "--loss", "bce", "--model", model}, 2,
              "bce needs a network with 1 logit");
  ExpectError({"plan", "--size", "64x64", "--loss", "mse"}, 2, "loss 'mse', expected bce");
}

TEST(CommandLine, PredictionAndEvaluationKeepALimitOfMemory) {
  const TemporaryFolder folder;
  const std::string model = folder.File("unet.onnx"), data = folder.File("data");
  ExportOnnx(BuiltInModel("unet:base=8,depth=2", 1), model);
  ASSERT_EQ(
      test::RunProgram({"synth", data, "--slides", "1", "--size", "4096x64", "--val", "0", "--test", "1"})
          .status,
      0);
  const auto predict = [&](const std::string& out, const std::string& memory) {
    return test::RunProgram({"predict", data + "/slide_000.tif", "--model", model, "--out", folder.File(out),
                             "--threads", "1", "--memory", memory});
  };
  const test::Outcome whole = predict("whole", "4GiB"), refused = predict("none", "1MiB");
  EXPECT_EQ(whole.status, 0) << whole.err;
  EXPECT_EQ(refused.status, 2);
  EXPECT_FALSE(std::filesystem::exists(folder.File("none")));
  const auto mebibytes_after = [](const std::string& text, const std::string& before) {
    const size_t at = text.find(before);
    EXPECT_NE(at, std::string::npos) << text;
    return at == std::string::npos ? 0 : std::stod(text.substr(at + before.size()));
  };
  const double all = mebibytes_after(whole.err, "slide_000: 1 strip, 1 at once; "),
               least = mebibytes_after(refused.err, "the least is ");
  // Half way: what the process holds by itself is not the same in every run.
  const test::Outcome panels = predict("panels", std::to_string(std::llround((all + least) / 2)) + "MiB");
  EXPECT_EQ(panels.status, 0) << panels.err;
  EXPECT_THAT(panels.err, HasSubstr(" % of the arithmetic is repeated"));
  const auto map = [&](const std::string& out) {
    const auto rows = Slide::Open(folder.File(out) + "/slide_000_mask.ome.tif")->OpenRows({});
    std::vector<uint8_t> pixels(static_cast<size_t>(4096 * 64 * rows->channels()));
    rows->Read({0, 64}, pixels.data());
    return pixels;
  };
  EXPECT_EQ(map("panels"), map("whole"));

  const auto eval = [&](const std::string& memory) {
    return test::RunProgram({"eval", "--data", data + "/slides.csv", "--model", model, "--memory", memory});
  };
  EXPECT_EQ(eval("4GiB").status, 0);
  EXPECT_EQ(eval("1MiB").status, 2);
}

TEST(CommandLine, ABenchmarkKnowsItsFloor) {
  const TemporaryFolder folder;
  const std::vector<std::string> bench = {"bench", "step", "--size", "64x64", "--data", folder.File("data")};
  const auto run = [&](std::vector<std::string> more) {
    more.insert(more.begin(), bench.begin(), bench.end());
    const test::Outcome outcome = test::RunProgram(more);
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    return outcome.out;
  };
  const auto json = nlohmann::json::parse(run({"--floor", "--json"}));
  const double floor = json["floor_seconds"], decode = json["decode_seconds"];
  EXPECT_GT(decode, 0);
  EXPECT_GT(floor, decode);
  EXPECT_DOUBLE_EQ(json["floor_ratio"], double(json["step_seconds"]) / floor);
  EXPECT_GT(double(json["stages"]["loss"]["seconds"]), 0);
  EXPECT_GT(double(json["operators"]["Conv head backward"]["of_peak"]), 0);
  EXPECT_THAT(run({"--floor"}), HasSubstr("\n  floor  "));
  EXPECT_THAT(run({}), Not(HasSubstr("floor")));
}

TEST(CommandLine, ABenchmarkOfPredictionLeavesNoMaps) {
  const TemporaryFolder folder;
  const std::string data = folder.File("data");
  const test::Outcome outcome = test::RunProgram(
      {"bench", "predict", "--size", "640x320", "--data", data, "--runs", "2", "--floor", "--json"});
  ASSERT_EQ(outcome.status, 0) << outcome.err;
  const auto json = nlohmann::json::parse(outcome.out);
  EXPECT_DOUBLE_EQ(json["floor_ratio"], double(json["predict_seconds"]) / double(json["floor_seconds"]));
  EXPECT_GT(double(json["stages"]["output"]["seconds"]), 0);
  EXPECT_TRUE(std::filesystem::exists(data + "/640x320-seed1/slides.csv"));
  EXPECT_FALSE(std::filesystem::exists(data + "/640x320-seed1/maps"));
}

TEST(CommandLine, ABenchmarkThatCannotRunLeavesNothing) {
  const TemporaryFolder folder;
  const std::string model = folder.File("three.onnx"), data = folder.File("cache/bench");
  ExportOnnx(test::SmallNetwork(3), model);
  const auto bench = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"bench", "step", "--size", "64x64", "--data", data};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  ExpectError(bench({"--model", folder.File("none.onnx")}), 3, "none.onnx");
  ExpectError(bench({"--model", model, "--loss", "bce"}), 2, "bce needs a network with 1 logit");
  ExpectError(bench({"--loss", "mse"}), 2, "loss 'mse', expected bce");
  EXPECT_FALSE(std::filesystem::exists(folder.File("cache")));
  // A name that is too long for a file system, but only once the folders above it have been made.
  ExpectError({"bench", "step", "--size", "64x64", "--data", data + "/" + std::string(300, 'x')}, 5,
              "cannot be created");
  EXPECT_FALSE(std::filesystem::exists(folder.File("cache")));
  const test::Outcome outcome = test::RunProgram(bench({"--model", model}));
  EXPECT_EQ(outcome.status, 0) << outcome.err;
}

TEST(CommandLine, SynthReplacesOnlyItsOwnListOfSlides) {
  const TemporaryFolder folder;
  const std::string slides = folder.File("slides"), csv = slides + "/slides.csv";
  // 0 threads is one for each processor, here as elsewhere.
  const std::vector<std::string> synth = {"synth",    slides, "--size",    "64x64",
                                          "--slides", "1",    "--threads", "0"};
  ASSERT_EQ(test::RunProgram(synth).status, 0);
  const std::string own = test::ReadFile(csv);
  EXPECT_EQ(test::RunProgram(synth).status, 0);
  for (const char* text :
       {"slide,mask,split\nslide_000.tif,,\na.svs,a.png,train\n", "mask,slide\na.png,a.svs\n",
        "slide_00a.tif\n", "slide_00.tif\n", "slide_000.png\n"}) {
    test::WriteFile(csv, text);
    ExpectError(synth, 2, csv + ": line ");
    EXPECT_EQ(test::ReadFile(csv), text);
  }
  test::WriteFile(csv, "slide,\"mask\n");
  ExpectError(synth, 3, csv);
  test::WriteFile(csv, own);
  EXPECT_EQ(test::RunProgram(synth).status, 0);
}

TEST(CommandLine, PrintsItsVersion) {
  const test::Outcome outcome = test::RunProgram({"--version"});
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.out, "swath " SWATH_VERSION "\n");
  EXPECT_EQ(outcome.err, "");
}

TEST(CommandLine, OutputThatCannotBeWrittenIsAnError) {
  const std::vector<std::vector<std::string>> cases = {
      {"--help"}, {"--version"}, {"model", "unet-4492"}, {"plan", "--size", "64x64", "--json"}};
  for (const std::vector<std::string>& arguments : cases) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    const test::Outcome outcome = test::RunProgram(arguments, "/dev/full");
    EXPECT_EQ(outcome.status, 5);
    EXPECT_THAT(outcome.err, testing::MatchesRegex("swath: standard output: cannot be written[^\n]*\n"));
  }
}

TEST(CommandLine, ListsOfStripsAreCheckedOneByOne) {
  const test::Outcome outcome =
      test::RunProgram({"check-gradients", "--size", "64x96", "--strips", "1,3", "--threads", "1"});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("\n1 strip, 1 panel, 1 sweep\n"));
  EXPECT_THAT(outcome.out, HasSubstr("\n3 strips, 1 panel, 1 sweep\n"));
}

}  // namespace
}  // namespace swath
