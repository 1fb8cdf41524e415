/// The formats of annotations, one a file, and what their readers share.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "swath/annotation.h"

namespace swath {

Annotations ReadGeoJson(const std::string& path);
Annotations ReadAsap(const std::string& path);
Annotations ReadImageScope(const std::string& path);
Annotations ReadNdpa(const std::string& path, const SlideInfo* slide);

/// An ellipse as a ring of which no point is further than a twentieth of a pixel from it, and which has its
/// area.
Ring EllipseRing(Point centre, double radius_x, double radius_y);

/// "#rrggbb"; nothing for other texts.
std::optional<std::array<uint8_t, 3>> ParseHexColour(std::string_view text);

/// Without points that repeat the one before, and without the last where it repeats the first; empty where
/// fewer than three are left, for nothing is inside those.
Ring Cleaned(Ring ring);

/// Makes a polygon without holes of a ring, cleaned, if anything is left of it.
void AddPolygon(Ring ring, Annotation* area);

/// Appends an area, or counts it among what has none.
void AddArea(Annotation area, Annotations* annotations);

}  // namespace swath
