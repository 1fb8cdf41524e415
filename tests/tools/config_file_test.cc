#include "tools/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "swath/error.h"
#include "tests/support/whole_file.h"
#include "tests/tools/run_program.h"
#include "tests/train/slides.h"
#include "tools/options.h"

namespace swath::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using testing::ThrowsMessage;

struct Command {
  Command() {
    command = app.add_subcommand("group")->add_subcommand("work");
    command->add_option("--out", out)->required();
    command->add_option("--rate", rate)->check(Number({.above = 0}))->capture_default_str();
    command->add_option("--weights", weights)->delimiter(',')->check(Number({.least = 0}));
    command->add_option("--names", names)->delimiter(',');
    auto* steps_option = command->add_option("--steps", steps)->check(WholeNumber(0, kMostCounted));
    command->add_option("--epochs", epochs)->excludes(steps_option);
    command->add_option("--mpp", mpp)->check(Number({.above = 0}));
    command->add_option("--seed", seed)->check(Seed());
    command->add_flag("--prior,!--no-prior", prior);
    command->add_flag("--resume", resume)->configurable(false);
    AddConfigFile(command);
  }
  void Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"group", "work"});
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  }

  CLI::App app;
  CLI::App* command = nullptr;
  std::string out;
  double rate = 0.5;
  std::vector<double> weights;
  std::vector<std::string> names;
  int steps = 0;
  int epochs = 0;
  std::optional<double> mpp;
  uint64_t seed = 1;
  bool prior = true;
  bool resume = false;
};

class ConfigFileTest : public testing::Test {
 protected:
  std::string Write(const std::string& text) {
    test::WriteFile(folder_.File("config.toml"), text);
    return folder_.File("config.toml");
  }
  TemporaryFolder folder_;
};

TEST_F(ConfigFileTest, WhatIsWrittenReproducesTheOptions) {
  Command first;
  first.Parse({"--out", "run", "--weights", "1,2.5", "--steps", "7", "--no-prior", "--resume", "--seed",
               "18446744073709551615", "--mpp", "5e-1"});
  const std::string text = FormatConfig(*first.command);
  EXPECT_EQ(text,
            "out = \"run\"\nrate = 0.5\nweights = [1, 2.5]\nsteps = 7\nmpp = 0.5\n"
            "seed = \"18446744073709551615\"\nprior = false\n");
  Command second;
  second.Parse({"--config", Write(text)});
  EXPECT_EQ(second.out, "run");
  EXPECT_THAT(second.weights, ElementsAre(1, 2.5));
  EXPECT_EQ(second.steps, 7);
  EXPECT_EQ(second.mpp, 0.5);
  EXPECT_EQ(second.seed, UINT64_MAX);
  EXPECT_FALSE(second.prior);
  EXPECT_FALSE(second.resume);
  EXPECT_EQ(FormatConfig(*second.command), text);
}

TEST_F(ConfigFileTest, EveryTextSurvives) {
  for (const std::string text : {"a#b",
                                 "a\"b\"",
                                 "'a'",
                                 "a\\b\\n",
                                 "a\tb",
                                 "a\nb",
                                 "a\rb\x01\x7f",
                                 "größe/切片",
                                 "[1,2]",
                                 "1,2",
                                 "7",
                                 "007",
                                 "1e5",
                                 "1.0",
                                 "true",
                                 " a ",
                                 "a = b",
                                 "{}",
                                 "\xF0\x9F\x94\xAC",
                                 "%%",
                                 "-x"}) {
    Command first;
    first.Parse({"--out=" + text});
    Command second;
    second.Parse({"--config", Write(FormatConfig(*first.command))});
    EXPECT_EQ(second.out, text);
  }
  Command latin;
  latin.Parse({"--out", "gr\366\337e"});
  EXPECT_THAT([&] { FormatConfig(*latin.command); },
              ThrowsMessage<Error>(StartsWith("--out: expected text in UTF-8, found ")));
}

TEST_F(ConfigFileTest, ElementsOfArraysStayWhole) {
  Command first;
  const std::string names = "names = [\"a,b\", \"[x]\", \"c#\\\"\", \"1\"]\n";
  first.Parse({"--out", "run", "--config", Write(names)});
  EXPECT_THAT(first.names, ElementsAre("a,b", "[x]", "c#\"", "1"));
  EXPECT_THAT(FormatConfig(*first.command), HasSubstr(names));
}

TEST_F(ConfigFileTest, TakesWhatTomlAllows) {
  for (const std::string text : {
           "out = 'run'  # where\nweights = [\n  1,\n  2.5,\n]\nprior = false\nsteps = 0x10\n",
           "\xEF\xBB\xBFout = \"run\"\r\nweights = \"1,2.5\"\r\n\"prior\" = false\r\nsteps = 1_6\r\n",
           "[group.work]\nout = \"r\\u0075n\"\nweights = [\"1\", 2.5]\nno-prior = true\nsteps = 16",
           "out = \"\"\"run\"\"\"\ngroup.work.weights = [1.0, 2.5]\ngroup.work.prior = "
           "false\ngroup.work.steps = 0b10000\n",
       }) {
    Command command;
    SCOPED_TRACE(text);
    command.Parse({"--config", Write(text)});
    EXPECT_EQ(command.out, "run");
    EXPECT_THAT(command.weights, ElementsAre(1, 2.5));
    EXPECT_EQ(command.steps, 16);
    EXPECT_FALSE(command.prior);
  }
}

TEST_F(ConfigFileTest, TheCommandLineWins) {
  const std::string path = Write("[group.work]\nout = \"run\"\nsteps = 7\nrate = 2\n");
  Command command;
  command.Parse({"--epochs", "3", "--rate", "4", "--config", path});
  EXPECT_EQ(command.out, "run");
  EXPECT_EQ(command.rate, 4);
  EXPECT_EQ(command.steps, 0);
  EXPECT_EQ(command.epochs, 3);
}

TEST_F(ConfigFileTest, NamesTheFileTheLineAndTheKey) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"rate = 1\noutt = 1\n", "line 2: 'outt' is no option of work"},
      {"resume = true\n", "line 1: 'resume' is no option of work"},
      {"[train]\nrate = 1\n", "line 1: 'train' is no option of work"},
      {"[work]\nrate = 1\n", "line 1: 'work' is no option of work"},
      {"[group]\nrate = 1\n", "line 2: 'group.rate' is no option of work"},
      {"[group.work]\nx = 1\n", "line 2: 'group.work.x' is no option of work"},
      {"\nrate = 0\n", "line 2: --rate: expected a number above 0, found '0'"},
      {"rate = inf\n", "line 1: --rate: expected a number above 0, found 'inf'"},
      {"rate = true\n", "line 1: rate: expected a number or a string, found a value of type boolean"},
      {"rate = [1]\n", "line 1: rate: expected a number or a string, found a value of type array"},
      {"out = 2026-01-01\n", "line 1: out: expected a number or a string, found a value of type date"},
      {"steps = 1.5\n", "line 1: --steps: expected a whole number from 0 to 1000000000, found '1.5'"},
      {"weights = [1, -2]\n", "line 1: --weights: expected a number of at least 0, found '-2'"},
      {"weights = [1, [2]]\n", "line 1: weights: expected numbers or strings, found a value of type array"},
      {"weights = []\n", "line 1: weights: expected a value or more, found a value of type array"},
      {"prior = 'no'\n", "line 1: prior: expected true or false, found a value of type string"},
      {"steps = 1\n[group.work]\nsteps = 2\n", "'steps' is given twice"},
      {"epochs = 1\nsteps = 2\n", "excludes"},
  };
  for (const auto& [text, message] : cases) {
    const std::string path = Write(text);
    try {
      Command().Parse({"--config", path});
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_THAT(e.what(), StartsWith("--config " + path + ": "));
      EXPECT_THAT(e.what(), HasSubstr(message));
      EXPECT_EQ(e.code(), ErrorCode::kUsage);
    }
  }
  Command required;
  EXPECT_THROW(required.Parse({"--config", Write("rate = 1\n")}), CLI::RequiredError);
}

TEST_F(ConfigFileTest, FilesThatAreNoTomlAreInputErrorsOfOneLine) {
  test::WriteFile(folder_.File("binary"), std::string("\177ELF\2\1\1\0\0\xff\n\xfe", 12));
  test::WriteFile(folder_.File("syntax"), "out = \"run\"\nrate =\n");
  test::WriteFile(folder_.File("latin"), "out = \"gr\366\337e\"\n");
  test::WriteFile(folder_.File("twice"), "rate = 1\nrate = 2\n");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {folder_.File("none"), ": cannot be opened"},
      {folder_.File("."), ": expected a TOML file, found a folder"},
      {folder_.File("binary"), ": line 1: "},
      {folder_.File("syntax"), ": line 2: "},
      {folder_.File("latin"), ": line 1: "},
      {folder_.File("twice"), ": line 2: "},
      {"/dev/zero", ": line 1: "},
  };
  for (const auto& [path, message] : cases) {
    const test::Outcome outcome = test::RunProgram({"train", "--config", path});
    EXPECT_EQ(outcome.status, 3) << path;
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(outcome.err, StartsWith("swath: --config " + path + message));
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  }
}

TEST_F(ConfigFileTest, SectionsAreTheCommandsPath) {
  const test::Outcome train = test::RunProgram({"train", "--config", Write("[train]\nlr = -1\n")});
  EXPECT_EQ(train.status, 2);
  EXPECT_THAT(train.err, HasSubstr("line 2: --lr: expected a number above 0, found '-1'"));
  const test::Outcome bench =
      test::RunProgram({"bench", "step", "--config", Write("[bench.step]\nsteps = 0\n")});
  EXPECT_EQ(bench.status, 2);
  EXPECT_THAT(bench.err, HasSubstr("line 2: --steps: expected a whole number from 1 to 1000, found '0'"));
}

}  // namespace
}  // namespace swath::tools
