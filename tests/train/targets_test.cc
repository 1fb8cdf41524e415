/// The column `target` of a data set, read for each loss.
#include "train/targets.h"

#include <gmock/gmock.h>

#include <cmath>

#include "swath/error.h"

namespace swath {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kTwo = {"benign", "tumour"};
const std::vector<std::string> kThree = {"glands", "fat", "blood"};

std::string Refusal(const std::string& text, SlideLossKind kind, const std::vector<std::string>& classes,
                    int64_t values) {
  try {
    ParseTarget(text, kind, classes, values);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInput);
    return e.what();
  }
  return "accepted";
}

TEST(ParseTarget, OneClassIsItsNameOrIndex) {
  for (const SlideLossKind kind : {SlideLossKind::kCrossEntropy, SlideLossKind::kBce}) {
    EXPECT_THAT(ParseTarget("tumour", kind, kTwo, 1), ElementsAre(1));
    EXPECT_THAT(ParseTarget(" benign ", kind, kTwo, 1), ElementsAre(0));
    EXPECT_THAT(ParseTarget("1", kind, kTwo, 1), ElementsAre(1));
    for (const char* text : {"2", "-1", "0.5", "nan", "inf", "Tumour", "benign;tumour", "1e400"}) {
      EXPECT_THAT(Refusal(text, kind, kTwo, 1),
                  HasSubstr("expected one of benign, tumour, or 0 to 1, found '"))
          << text;
    }
  }
  EXPECT_THAT(Refusal("", SlideLossKind::kBce, kTwo, 1), HasSubstr("found ''"));
}

TEST(ParseTarget, ANameThatIsANumberWins) {
  EXPECT_THAT(ParseTarget("1", SlideLossKind::kCrossEntropy, {"3", "2", "1"}, 3), ElementsAre(2));
}

TEST(ParseTarget, SeveralLabelsAreNamesOrMarks) {
  EXPECT_THAT(ParseTarget("fat", SlideLossKind::kBce, kThree, 3), ElementsAre(0, 1, 0));
  EXPECT_THAT(ParseTarget("blood; glands", SlideLossKind::kBce, kThree, 3), ElementsAre(1, 0, 1));
  EXPECT_THAT(ParseTarget("0;0;0", SlideLossKind::kBce, kThree, 3), ElementsAre(0, 0, 0));
  EXPECT_THAT(ParseTarget("1;0;1", SlideLossKind::kBce, kThree, 3), ElementsAre(1, 0, 1));
  EXPECT_THAT(ParseTarget("0;?;1", SlideLossKind::kBce, kThree, 3), ElementsAre(0, testing::IsNan(), 1));
  for (const char* text : {"", " ", "skin", "1;0", "1;0;2", "fat;;blood", "fat;1"}) {
    EXPECT_THAT(Refusal(text, SlideLossKind::kBce, kThree, 3),
                HasSubstr("expected some of glands, fat, blood joined by ';', or 3 of 0, 1 and ?, found '"))
        << text;
  }
  EXPECT_THAT(Refusal("?;?;?", SlideLossKind::kBce, kThree, 3),
              HasSubstr("expected one value at least that is known, found '?;?;?'"));
}

TEST(ParseTarget, NumbersAreOneAValue) {
  EXPECT_THAT(ParseTarget("-2.5", SlideLossKind::kMse, kTwo, 1), ElementsAre(-2.5));
  EXPECT_THAT(ParseTarget("1e3; 0.25", SlideLossKind::kMse, kTwo, 2), ElementsAre(1000, 0.25));
  EXPECT_THAT(Refusal("1;2", SlideLossKind::kMse, kTwo, 1),
              HasSubstr("expected 1 number joined by ';', found '1;2'"));
  for (const char* text : {"", "1", "1;x", "1;2;3", "1;2m", "1;inf", "-inf;1", "nan;1"})
    EXPECT_THAT(Refusal(text, SlideLossKind::kMse, kTwo, 2), HasSubstr("expected 2 numbers joined by ';'"))
        << text;
}

}  // namespace
}  // namespace swath
