/// The page's style sheet: light and dark, narrow and wide, on paper.
#pragma once

namespace swath {

extern const char kReportStyle[];

}  // namespace swath
