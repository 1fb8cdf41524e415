#include "tools/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "swath/error.h"
#include "tests/train/slides.h"

namespace swath::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

struct Command {
  Command() {
    command = app.add_subcommand("work");
    command->add_option("--out", out)->required();
    command->add_option("--rate", rate)->capture_default_str();
    command->add_option("--weights", weights)->delimiter(',');
    auto* steps_option = command->add_option("--steps", steps);
    command->add_option("--epochs", epochs)->excludes(steps_option);
    command->add_flag("--prior,!--no-prior", prior);
    command->add_flag("--resume", resume)->configurable(false);
    AddConfigFile(command);
  }
  void Parse(const std::string& arguments) { app.parse("work " + arguments); }

  CLI::App app;
  CLI::App* command = nullptr;
  std::string out;
  double rate = 0.5;
  std::vector<double> weights;
  int steps = 0;
  int epochs = 0;
  bool prior = true;
  bool resume = false;
};

class ConfigFileTest : public testing::Test {
 protected:
  std::string Write(const std::string& text) {
    test::WriteText(folder_.File("config.toml"), text);
    return folder_.File("config.toml");
  }
  TemporaryFolder folder_;
};

TEST_F(ConfigFileTest, WhatIsWrittenReproducesTheOptions) {
  Command first;
  first.Parse("--out run --weights 1,2.5 --steps 7 --no-prior --resume");
  const std::string text = FormatConfig(*first.command);
  EXPECT_EQ(text, "out = \"run\"\nrate = 0.5\nweights = [1, 2.5]\nsteps = 7\nprior = false\n");
  Command second;
  second.Parse("--config " + Write(text));
  EXPECT_EQ(second.out, "run");
  EXPECT_THAT(second.weights, ElementsAre(1, 2.5));
  EXPECT_EQ(second.steps, 7);
  EXPECT_FALSE(second.prior);
  EXPECT_FALSE(second.resume);
  EXPECT_EQ(FormatConfig(*second.command), text);
}

TEST_F(ConfigFileTest, TheCommandLineWins) {
  const std::string path = Write("[work]\nout = \"run\"\nsteps = 7\nrate = 2\n");
  Command command;
  command.Parse("--epochs 3 --rate 4 --config " + path);
  EXPECT_EQ(command.out, "run");
  EXPECT_EQ(command.rate, 4);
  EXPECT_EQ(command.steps, 0);
  EXPECT_EQ(command.epochs, 3);
}

TEST_F(ConfigFileTest, NamesWhatItDoesNotKnow) {
  const std::string path = Write("outt = 1\n");
  Command command;
  EXPECT_THAT([&] { command.Parse("--config " + path); },
              ThrowsMessage<Error>(HasSubstr("'outt' is no option of work")));
  Command flags;
  Write("resume = true\n");
  EXPECT_THAT([&] { flags.Parse("--config " + path); },
              ThrowsMessage<Error>(HasSubstr("'resume' is no option")));
  Command absent;
  EXPECT_THAT([&] { absent.Parse("--config /none"); },
              ThrowsMessage<Error>(HasSubstr("/none: cannot be opened")));
  Command required;
  Write("rate = 1\n");
  EXPECT_THROW(required.Parse("--config " + path), CLI::RequiredError);
}

}  // namespace
}  // namespace swath::tools
