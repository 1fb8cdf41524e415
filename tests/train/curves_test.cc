#include "train/curves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace swath {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CurvesTest, DrawsBothDiagramsAndTheirLegend) {
  Curves curves;
  for (int64_t step = 1; step <= 5000; ++step) {
    curves.train.push_back({step, 1.0 / static_cast<double>(step), 0.9});
  }
  curves.validation = {{2500, 0.3, 0.8}, {5000, 0.2, 0.85}};
  const std::string svg = DrawCurves("net <1> & more", curves);
  EXPECT_THAT(svg, HasSubstr("net &lt;1> &amp; more"));
  EXPECT_THAT(svg, HasSubstr(">loss</text>"));
  EXPECT_THAT(svg, HasSubstr(">Dice</text>"));
  EXPECT_THAT(svg, HasSubstr(">step</text>"));
  EXPECT_THAT(svg, HasSubstr("validation"));
  EXPECT_LT(svg.size(), 150000u);  // long runs are thinned out
}

TEST(CurvesTest, HasNoValueThatIsNotANumberInShortRuns) {
  Curves curves;
  EXPECT_THAT(DrawCurves("", curves), Not(HasSubstr("nan")));
  curves.train.push_back({1, 0.5, 0.5});
  EXPECT_THAT(DrawCurves("", curves), Not(HasSubstr("nan")));
  EXPECT_THAT(DrawCurves("", curves), Not(HasSubstr("validation")));
}

}  // namespace
}  // namespace swath
