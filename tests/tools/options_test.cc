#include "tools/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "swath/error.h"

namespace swath::tools {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

struct Case {
  CLI::Validator validator;
  std::vector<std::string> good;
  std::vector<std::string> bad;
  std::string expected;
};

TEST(Options, ValidatorsTakeWhatTheySayAndNothingElse) {
  const std::vector<Case> cases = {
      {ThreadCount(),
       {"0", "1", "1024"},
       {"", "-1", "1025", "1.5", "1e3", "010", "0x10", " 1", "1 ", "+1", "-0x1", "18446744073709551617"},
       "a whole number from 0 to 1024"},
      {WholeNumber(-1, 255), {"-1", "0", "255"}, {"-2", "-01", "-", "256"}, "a whole number from -1 to 255"},
      {WholeNumber(1, kMostCounted),
       {"1", "1000000000"},
       {"0", "1000000001", "9223372036854775808"},
       "a whole number from 1 to 1000000000"},
      {Seed(),
       {"0", "18446744073709551615"},
       {"-1", "18446744073709551616", "01"},
       "a whole number from 0 to 18446744073709551615"},
      {Number({.above = 0}),
       {"1e-30", "2", ".5", "1.", "3.5E2"},
       {"", "0", "-1", "inf", "nan", "1e400", "0x1p3", "1,5", "one"},
       "a number above 0"},
      {Number({.least = 0, .below = 1}),
       {"0", "0.999"},
       {"1", "-0.001", "infinity"},
       "a number of at least 0 and below 1"},
      {Number({.least = 0, .most = 0.5}),
       {"0", "0.5"},
       {"0.51"},
       "a number of at least 0 and of at most 0.5"},
  };
  for (const Case& c : cases) {
    for (const std::string& text : c.good) EXPECT_EQ(c.validator(text), "") << text;
    for (const std::string& text : c.bad) {
      EXPECT_EQ(c.validator(text), "expected " + c.expected + ", found '" + text + "'");
    }
  }
}

TEST(Options, SizesAreTwoSidesOf31Bits) {
  const Size size = ParseSize("--size", "2147483647x1");
  EXPECT_EQ(size.width, 2147483647);
  EXPECT_EQ(size.height, 1);
  for (const char* text : {"", "x", "16", "16x", "x16", "16x16x16", "0x16", "16x-1", "16X16", "16 x 16",
                           "2147483648x64", "64x9223372036854775808"}) {
    EXPECT_THAT([&] { ParseSize("--size", text); },
                ThrowsMessage<Error>(HasSubstr("--size: expected WIDTHxHEIGHT in pixels, each from 1 to "
                                               "2147483647, found '" +
                                               std::string(text) + "'")));
  }
}

}  // namespace
}  // namespace swath::tools
