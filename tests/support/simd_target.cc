/// SWATH_SIMD_TARGET=SSE4 build/release/kernels_test: the tests on one of the instruction sets that kernels
/// are compiled for, instead of the best that the processor has. One that it lacks is skipped.
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cstdlib>
#include <string>

namespace swath::test {
namespace {

class SimdTarget : public testing::Environment {
 public:
  void SetUp() override {
    const char* wanted = std::getenv("SWATH_SIMD_TARGET");
    if (!wanted) return;
    for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
      const int64_t target = rest & -rest;
      if (std::string(hwy::TargetName(target)) == wanted) return hwy::SetSupportedTargetsForTest(target);
    }
    GTEST_SKIP() << "this processor has no " << wanted;
  }
};

[[maybe_unused]] const testing::Environment* const kEnvironment =
    testing::AddGlobalTestEnvironment(new SimdTarget);  // googletest deletes it

}  // namespace
}  // namespace swath::test
