/// Annotations that are damaged: areas or an Error in one line, and soon.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <random>
#include <string>

#include "base/seconds_since.h"
#include "fuzz/annotation_labels.h"
#include "swath/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/whole_file.h"

namespace swath {
namespace {

/// A piece of the text: mostly short, seldom nearly all.
std::pair<size_t, size_t> Piece(const std::string& text, std::mt19937& random) {
  const size_t begin = random() % (text.size() + 1);
  const size_t most = random() % 8 == 0 ? text.size() : 24;
  return {begin, std::min<size_t>(random() % (most + 1), text.size() - begin)};
}

/// Numbers at the ends of their ranges, and what means something to a parser.
constexpr std::array kWords = {"1e308",
                               "-1e308",
                               "1e999",
                               "4294967296",
                               "-9223372036854775809",
                               "0",
                               "NaN",
                               "{",
                               "[[[[",
                               "]",
                               "\"",
                               "null",
                               "\\u0000",
                               "&#10;",
                               "<a>",
                               "</",
                               "&a;",
                               "\n",
                               "\xff\xfe",
                               "<![CDATA[",
                               "<!DOCTYPE a>",
                               "Infinity"};

void Damage(std::string* text, std::mt19937& random) {
  const auto [begin, size] = Piece(*text, random);
  switch (random() % 6) {
    case 0:
      if (!text->empty()) (*text)[random() % text->size()] ^= static_cast<char>(1 << random() % 8);
      break;
    case 1:
      text->resize(begin);
      break;
    case 2:
      text->erase(begin, size);
      break;
    case 3:
      text->insert(random() % (text->size() + 1), text->substr(begin, size));
      break;
    case 4:
      text->insert(begin, kWords[random() % kWords.size()]);
      break;
    default: {  // another number in the place of one
      const size_t number = text->find_first_of("0123456789", begin);
      if (number == std::string::npos) break;
      const size_t end = text->find_first_not_of("0123456789.", number);
      text->replace(number, end - number, kWords[random() % 6]);
    }
  }
}

/// The file is one of those that the fuzzer begins with.
class DamageToAnnotations : public testing::TestWithParam<std::string> {
 protected:
  /// What is wrong with the text; "" if it has labels.
  std::string Complaint(const std::string& text) {
    test::WriteFile(path_, text);
    const auto start = std::chrono::steady_clock::now();
    std::string complaint;
    try {
      ReadLabels(path_);
    } catch (const Error& e) {
      complaint = e.what();
      EXPECT_THAT(complaint, testing::HasSubstr(path_)) << text;
      EXPECT_EQ(complaint.find('\n'), std::string::npos) << complaint << "\n" << text;
      EXPECT_TRUE(e.code() == ErrorCode::kInput || e.code() == ErrorCode::kUnsupported) << complaint;
    }
    EXPECT_LT(SecondsSince(start), 5) << text;
    return complaint;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.File("damaged");
};

TEST_P(DamageToAnnotations, IsAnErrorOrIsRead) {
  const std::string whole = test::ReadFile(SWATH_FUZZ_SEEDS "/annotations/" + GetParam());
  ASSERT_EQ(Complaint(whole), "");
  std::mt19937 random(1);
  constexpr int kCases = 4000;
  int read = 0;
  for (int i = 0; i < kCases; ++i) {
    std::string text = whole;
    for (unsigned damages = 1 + random() % 3; damages > 0; --damages) Damage(&text, random);
    read += Complaint(text).empty();
    if (HasFailure()) FAIL() << "case " << i;
  }
  EXPECT_GT(read, kCases / 50);
  EXPECT_LT(read, kCases / 2);
}

INSTANTIATE_TEST_SUITE_P(Formats, DamageToAnnotations,
                         testing::Values("drawn.geojson", "asap.xml", "imagescope.xml", "ndpview.ndpa"),
                         [](const auto& test) { return test.param.substr(0, test.param.find('.')); });

}  // namespace
}  // namespace swath
