/// Writes level 0 of a slide as an SCN slide that has bounds.
///
///   write_scn SLIDE OUT.scn WIDTH HEIGHT X Y
///
/// WIDTH and HEIGHT are those of the whole, X and Y the place of the slide in it.
#include <cstdio>
#include <exception>
#include <string>

#include "swath/slide.h"
#include "tests/slide/scn_slide.h"

int main(int count, char** words) {
  using namespace swath;
  if (count != 7) {
    std::fputs("usage: write_scn SLIDE OUT.scn WIDTH HEIGHT X Y\n", stderr);
    return 2;
  }
  try {
    const auto number = [words](int i) { return std::stoll(words[i]); };
    testing::WriteScn(words[2], testing::ReadAll(*Slide::Open(words[1])->OpenRows(), 256),
                      {.width = number(3), .height = number(4), .x = number(5), .y = number(6)});
  } catch (const std::exception& e) {
    std::fprintf(stderr, "write_scn: %s\n", e.what());
    return 1;
  }
  return 0;
}
